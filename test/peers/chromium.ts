import { access } from 'node:fs/promises';
import { type Browser, chromium } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** The system's own browser, without a window. It loads pages of ours alone, so it needs no sandbox of its own. */
export async function startChromium(): Promise<Browser> {
  for (const executablePath of PLACES) {
    const found = await access(executablePath).then(
      () => true,
      () => false,
    );
    if (found) return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
  }
  throw new Error(`no chromium at ${PLACES.join(', ')}: apt-get install chromium`);
}
