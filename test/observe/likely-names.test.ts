// cspell:ignore apikey accesstoken userpassword cardnumber größe
import { describe, expect, it } from 'vitest';
import { isLikelySecret } from '../../src/observe/likely-names.ts';

const SECRET = [
  'x-api-key X-API-KEY xApiKey api.key apikey APIKey apiKeys authToken sessionToken session_token access-token accesstoken',
  'accessKey secretKey secret_access_key AWS_SECRET_ACCESS_KEY encryptionKey userPassword userpassword DB_PASSWORD password2 passwords',
  'pwd jwt jwtPayload bearer bearerToken connectionString connection_string creditCard creditCardNumber card number cardnumber pin PINCode',
  'tokenValue auth_header otpCode oauth2Token smtp_pass setCookie set-cookie cookies proxy-authorization',
]
  .join(' ')
  .replace('card number', 'card-number')
  .split(' ');
const SEEN = [
  'tokens maxTokens tokenCount tokenType tokenExpiresAt author authority authorName coauthor authMethod passed passRate passenger passport compass',
  'pinned pinnedAt spin pinCount key keys keyboard idempotencyKey publicKey primaryKey monkey cardholder cards session sessions secretary',
  'cookieConsent connection string number optional code hash value header id name',
]
  .join(' ')
  .split(' ');

describe('a name under which a credential is likely', () => {
  it.each(SECRET)('%s', (name) => expect(isLikelySecret(name)).toBe(true));
});

describe('a name that says nothing of credentials', () => {
  it.each([...SEEN, '', '---', '42', 'größe', '口座'])('%s', (name) => expect(isLikelySecret(name)).toBe(false));
});
