import { isNamePart, isNameStart } from './characters.ts'
import { reservedWords } from './token-reader.ts'

/**
 * A path as written in a condition, `tags.site` or `tags.[[first floor]]`; the parser reads it back as these segments.
 * Undefined when one of them cannot be written: the closing brackets cannot be escaped.
 */
export function printPath(segments: readonly string[]): string | undefined {
  const printed = segments.map(printSegment)
  return printed.includes(undefined) ? undefined : printed.join('.')
}

function printSegment(segment: string): string | undefined {
  if (isBareName(segment)) return segment
  return `${segment}]]`.indexOf(']]') === segment.length ? `[[${segment}]]` : undefined
}

/** Whether the lexer reads it as one name, and the parser does not read it as a keyword. */
function isBareName(text: string): boolean {
  const characters = [...text]
  const isPart = (character: string | undefined): boolean =>
    character !== undefined && isNamePart(character.codePointAt(0) ?? 0)
  return (
    isNameStart(text.codePointAt(0) ?? 0) &&
    !reservedWords.has(text.toLowerCase()) &&
    // A hyphen is part of a name only before another part of it: `a-1` is a name, `a--1` is not.
    characters.every((character, index) => isPart(character) || (character === '-' && isPart(characters[index + 1])))
  )
}
