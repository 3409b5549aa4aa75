// cspell:ignore cardnumber creditcard connectionstring
/** Parts that make a name one of a credential wherever they stand in it. */
const ANYWHERE = /^(passwords?|passwd|passphrases?|passcodes?|pwd|secrets?|credentials?|jwt|bearer|authorization|iban|ssn|cvc|cvv)$/;
/** Parts that do so at the end only: `authToken` is one, `tokenType` is not. */
const AT_THE_END = /^(token|auth|cookies?|pass|pin|otp)$/;
/** What may follow those. */
const FORM = /^(value|string|text|header|hash|code|raw)$/;
const PAIR =
  / ((api|access|secret|private|signing|encryption|master|shared) keys?|(credit|debit) cards?|card numbers?|connection strings?|security code|session id) /;
/** Names written as one word. */
const RUN_TOGETHER =
  /(password|passwd|passphrase|secret|credentials?|authorization|(api|access|secret|private)key|(access|auth|refresh|session|id|api)token|cardnumber|creditcard|connectionstring|sessionid)$/;

/** Whether a credential is likely to be found under this name, by its parts, in any spelling. A plural such as `tokens` counts something. */
export function isLikelySecret(name: string): boolean {
  const parts = partsOf(name);
  if (parts.some((part) => ANYWHERE.test(part)) || PAIR.test(` ${parts.join(' ')} `) || RUN_TOGETHER.test(parts.join(''))) return true;
  return AT_THE_END.test(parts.findLast((part, i) => i === 0 || !FORM.test(part)) ?? '');
}

/** `X-Api-Key`, `x_api_key` and `xApiKey` have the same. */
function partsOf(name: string): readonly string[] {
  return name
    .replace(/(\p{Ll}|\d)(\p{Lu})/gu, '$1 $2')
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}]+/u)
    .filter(Boolean);
}
