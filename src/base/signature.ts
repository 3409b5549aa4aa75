import { createHmac, timingSafeEqual } from 'node:crypto';

/** HMAC-SHA-256 (RFC 2104) of a text, in base64url. */
export function signature(secret: string, text: string): string {
  return createHmac('sha256', secret).update(text).digest('base64url');
}

/** Whether it is the signature of the text; how long that takes tells nothing of the right one. */
export function isSigned(secret: string, text: string, given: string): boolean {
  const [right, asked] = [Buffer.from(signature(secret, text)), Buffer.from(given)];
  return right.length === asked.length && timingSafeEqual(right, asked);
}
