import { isNamePart, isNameStart } from './characters.ts'
import { reservedWords } from './token-reader.ts'

/**
 * A path as a condition writes it, `tags.site` or `tags.[[first floor]]`; the parser reads it back as these segments.
 * Undefined when one of them cannot be written: there is no escape for what looks like the end of the brackets.
 */
export function printPath(segments: readonly string[]): string | undefined {
  const printed = segments.map(printSegment)
  return printed.includes(undefined) ? undefined : printed.join('.')
}

function printSegment(segment: string): string | undefined {
  if (isBareName(segment)) return segment
  return `${segment}]]`.indexOf(']]') === segment.length ? `[[${segment}]]` : undefined
}

/** Whether the lexer reads it as one name, and the parser as no keyword. */
function isBareName(text: string): boolean {
  const characters = [...text]
  const isPart = (character: string | undefined): boolean =>
    character !== undefined && isNamePart(character.codePointAt(0) ?? 0)
  return (
    isNameStart(text.codePointAt(0) ?? 0) &&
    !reservedWords.has(text.toLowerCase()) &&
    // A hyphen is part of a name before a part of a name: `a-1`, `a--1` is not.
    characters.every((character, index) => isPart(character) || (character === '-' && isPart(characters[index + 1])))
  )
}
