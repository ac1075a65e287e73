/** Spaces of other scripts (RFC 3454, C.1.2), and what is commonly mapped to nothing (B.1). */
const OTHER_SPACES = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/gu
const MAPPED_TO_NOTHING =
  /[\u00ad\u1806\u2060\ufeff]|\u034f|\u180b|\u180c|\u180d|\u200c|\u200d|[\ufe00-\ufe0f]/gu
/** What a prepared password may not contain: control characters, surrogates, private use, and the like (C.2 to C.9). */
const PROHIBITED =
  /[\p{Cc}\p{Cs}\p{Co}\u06dd\u070f\u180e\u200e\u200f\u2028-\u202e\u2061-\u2063\u206a-\u206f\ufff9-\uffff\u2ff0-\u2ffb]|[\u{1d173}-\u{1d17a}\u{e0001}\u{e0020}-\u{e007f}]|\p{Noncharacter_Code_Point}/u

/**
 * A password as both sides of SCRAM hash it. As in PostgreSQL, one that may not be prepared is taken as it is.
 *
 * Source: RFC 4013; PostgreSQL's common/saslprep.c.
 */
export function saslPrep(password: string): string {
  const prepared = password
    .replace(OTHER_SPACES, ' ')
    .replace(MAPPED_TO_NOTHING, '')
    .normalize('NFKC')
  return prepared === '' || PROHIBITED.test(prepared) ? password : prepared
}
