import { describe, expect, it } from 'vitest';
import { awsError } from '../../src/adapters/aws-errors.ts';

const named = (name: string, message: string): Error => Object.assign(new Error(message), { name });

describe('credentials that AWS does not take', () => {
  it.each([
    ['CredentialsProviderError', 'Could not load credentials from any providers', 'aws configure'],
    ['CredentialsProviderError', 'The SSO session associated with this profile has expired', 'aws sso login'],
    ['TokenProviderError', 'Token is expired', 'aws sso login'],
    ['ExpiredTokenException', 'The security token included in the request is expired', 'aws sso login'],
    ['InvalidSignatureException', 'Signature expired: 20261120T115000Z is now earlier', 'aws configure'],
    ['UnrecognizedClientException', 'The security token is invalid', 'aws configure'],
    ['AccessDeniedException', 'User x is not authorized', 'aws sts get-caller-identity'],
  ])('%s: %s', (name, message, next) => {
    expect(awsError(named(name, message), 'ask AWS who is calling', 'STS')).toMatchObject({
      code: 'aws_denied',
      category: 'auth',
      next,
    });
  });
});
