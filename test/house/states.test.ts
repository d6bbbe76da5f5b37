import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { deviceJobTransitions, jobTransitions } from '../../src/job/state.ts'

const document = readFileSync(new URL('../../docs/job-states.md', import.meta.url), 'utf8')

/** "status event next" for every row of the table of arrows below a heading. */
function arrowsBelow(heading: string): string[] {
  const section = document.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? ''
  const [, table = ''] = section.split('| status | event | next status | when |\n|---|---|---|---|\n')
  const rows = table.split('\n\n')[0]?.split('\n') ?? []
  return rows
    .map((row) =>
      row
        .split('|')
        .slice(1, 4)
        .map((cell) => cell.trim())
        .join(' '),
    )
    .sort()
}

function arrowsOf(transitions: Readonly<Record<string, Readonly<Record<string, string>>>>): string[] {
  return Object.entries(transitions)
    .flatMap(([status, events]) => Object.entries(events).map(([event, next]) => `${status} ${event} ${next}`))
    .sort()
}

describe('docs/job-states.md', () => {
  test.each([
    ['Job', jobTransitions],
    ['Device job', deviceJobTransitions],
  ])('%s: the documented arrows are those of job/state.ts', (heading, transitions) => {
    expect(arrowsBelow(heading)).toEqual(arrowsOf(transitions))
    expect(arrowsBelow(heading).length).toBeGreaterThan(0)
  })

  test('every status that can be reached is drawn', () => {
    for (const [heading, transitions] of [
      ['Job', jobTransitions],
      ['Device job', deviceJobTransitions],
    ] as const) {
      const section = document.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? ''
      const drawing = section.split('```')[1] ?? ''
      for (const status of Object.keys(transitions)) expect(drawing).toContain(status)
    }
  })
})
