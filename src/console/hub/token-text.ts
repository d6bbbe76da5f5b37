import { claimsOf } from './jwt.ts'

/** What a pasted text is: a token to try, or a sentence that says what is wrong with it. */
export type TokenText = { readonly token: string } | { readonly problem: string }

/**
 * Reads what a person pastes where a token is wanted: the output of `npx twincast token`, perhaps with the name of the
 * header before it, quotes around it or a line break in it.
 */
export function readTokenText(text: string): TokenText {
  const token = text
    .replace(/^\s*authorization\s*:/i, '')
    .replace(/^[\s'"]+|[\s'"]+$/g, '')
    .replace(/[\r\n]+/g, '')
  if (token === '') return { problem: 'Paste a token.' }
  if (/^HostName=/i.test(token)) {
    return { problem: 'This is a connection string. Run the command without options and paste the token it prints.' }
  }
  // A token of a person, as another program shows it.
  const [, person] = /^Bearer\s+([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(token) ?? []
  if (person !== undefined) return { token: `Bearer ${person}` }
  if (!/^SharedAccessSignature\s+\S/.test(token)) {
    return {
      problem:
        'A token starts with “SharedAccessSignature sr=” or “Bearer ”. Paste the whole line that the command printed.',
    }
  }
  const fields = fieldsOf(token)
  const missing = ['sr', 'sig', 'se', 'skn'].filter((name) => !fields.get(name))
  if (missing.length > 0) {
    return { problem: `Part of the token is missing (${missing.join(', ')}). Paste the whole line.` }
  }
  return { token }
}

/** Whether a token has expired by this machine's clock, `now` in milliseconds since 1970. The hub's is what counts. */
export function hasExpired(token: string, now: number): boolean {
  const [scheme, text = ''] = token.split(' ')
  const expiry = scheme === 'Bearer' ? claimsOf(text)?.exp : fieldsOf(token).get('se')
  return Number(expiry) * 1000 <= now
}

const fieldsOf = (token: string): URLSearchParams => new URLSearchParams(token.slice(token.indexOf(' ') + 1))
