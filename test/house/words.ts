/** A word that readers stop at, what to write instead, and how to find it where that is possible. */
export type Word = { readonly avoid: string; readonly write: string; readonly pattern?: RegExp }

/** The words to avoid in what users read. CONTRIBUTING.md shows the list; words.test.ts looks for them. */
export const words: readonly Word[] = [
  { avoid: '“5 a second”, “devices a minute”', write: '“5/s”, “per minute”', pattern: perWithoutPer() },
  {
    avoid: '*away*, of a server or device',
    write: 'unavailable, unreachable, offline',
    pattern: /\b(?:is|are|was|were|be|been) away\b/,
  },
  { avoid: '*beside*', write: 'next to, in addition to, compared with', pattern: /\bbeside\b/ },
  { avoid: '*dear*', write: 'expensive', pattern: /\bdear\b/ },
  { avoid: '*door*', write: 'API, protocol, endpoint, port', pattern: /\bdoors?\b/ },
  {
    avoid: '*fixed*, of devices',
    write: 'selected, frozen',
    pattern: /\b(?:devices?|it|they|them|those) (?:are|were|is|was) fixed\b|\bfixes the devices\b/,
  },
  { avoid: '*lately*', write: 'recently, in the last 10 seconds', pattern: /\blately\b/ },
  {
    avoid: '*none* after “is” or “are”: “a twin is none”',
    write: 'is not a …, has no …',
    pattern: /\b(?:is|are|was|were|be) none\b/,
  },
  { avoid: '*spared*', write: 'skipped, not affected', pattern: /\bspare[ds]?\b/ },
  {
    avoid: '*tell*, *told*, *hear*, of programs',
    write: 'notify, report, send, receive',
    pattern: /\b(?:tells?|told|telling|hears?|heard)\b/,
  },
  {
    avoid: '“that there is not”: “a job that there is not”',
    write: 'unknown, missing',
    pattern: /\bthat there (?:is|are) not?\b/,
  },
  {
    avoid: '“what came of”, “what became of”',
    write: 'outcome, result',
    pattern: /\bwhat (?:came|comes|became|becomes) of\b/,
  },
  {
    avoid: '*who* without a noun before it',
    write: 'a client that …, callers that …',
    pattern: /(?:^|[.;:] )who (?![^.]*\?)/m,
  },
]

/** A rate in which the article stands for "per". */
function perWithoutPer(): RegExp {
  const counted =
    'times|devices|bytes|rows|calls|messages|requests|packets|lines|changes|updates|connections|operations|statements'
  const time = 'second|minute|hour|day'
  const unit = `${time}|device|job|connection|page|subscriber|unit|instance`
  const number = '\\d[\\d,.]*(?: (?!and|or|to|of|with)\\w+)?|once|twice'
  return new RegExp(`\\b(?:(?:${number}) an? (?:${unit})|(?:${counted}) an? (?:${time}|page))\\b`)
}
