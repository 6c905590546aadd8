const LOOPBACK = /^(127(\.\d{1,3}){3}|localhost|\[::1\])$/;

/** Why an address was not taken, by what is billed in. */
export const STRIPE_URL_RULES = {
  live: 'a live key goes to https://api.stripe.com and nowhere else',
  test: 'a test key goes to Stripe, or to an http address of this machine',
  'stand-in': 'it is the http or https address of a stand-in, without a user name in it',
} as const;

/**
 * The origin of an address to be asked instead of Stripe's, or `null` where it must not be: a live key goes to Stripe
 * and nowhere else, a test key at most to this machine; a stand-in needs no key.
 */
export function stripeOrigin(mode: keyof typeof STRIPE_URL_RULES, url: string): string | null {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || mode === 'live') return null;
  const isClean = /^https?:$/.test(parsed.protocol) && parsed.username === '';
  return isClean && (mode !== 'test' || LOOPBACK.test(parsed.hostname)) ? parsed.origin : null;
}
