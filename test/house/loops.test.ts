import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../../src/scheduler')

/** The heads of the loops in a file that wait in each round. The formatter puts the end of a loop below its beginning. */
function waitingLoops(file: string): string[] {
  const lines = readFileSync(join(root, file), 'utf8').split('\n')
  return lines.flatMap((line, index) => {
    const [, indentation = '', head] = /^(\s*)(?:.*\s)?((?:for|while) \(.*)$/.exec(line) ?? []
    if (head === undefined || /^\s*(?:\*|\/\/)/.test(line)) return []
    const rest = lines.slice(index + 1)
    const end = line.endsWith('{') ? rest.findIndex((other) => other.startsWith(`${indentation}}`)) : 0
    const body = [head.replace(/^for await|^for \(.* of await /, ''), ...rest.slice(0, end)]
    return body.some((text) => /\bawait\b/.test(text)) ? `${file}: ${head}` : []
  })
}

test('steps that work on several jobs do so by JobByJob, so that a job for which that fails holds up no other', () => {
  // The only loop over jobs is that of JobByJob. The others go through the parts of one job, or through those of all jobs together.
  expect(readdirSync(root).flatMap(waitingLoops)).toEqual([
    'dispatch-method-calls.ts: for (let left = [...seenAttempts.keys()]; left.length > 0; ) {',
    'dispatch-method-calls.ts: while (found.length < batchSize && canFind()) {',
    'expire-device-jobs.ts: while (after !== undefined) {',
    'expire-device-jobs.ts: while (after !== undefined) {',
    'job-by-job.ts: for (const item of items) if (!rests(jobOf(item))) await attempt(jobOf(item), () => work(item))',
    'join-devices.ts: for (let from = 0; from < found.length; from += batch) {',
    'join-devices.ts: for (let from = 0; from < ids.length; from += batch) {',
    "join-devices.ts: for (let after = ''; ; ) {",
    // It calls JobByJob.
    'join-devices.ts: for (let next = nextLook(); next !== undefined; next = nextLook()) done += await take(next)',
    'loop.ts: while (!signal.aborted) {',
    'loop.ts: while (!woken && pause > 0) {',
    // These call JobByJob, or do the same for schedules.
    'run-schedules.ts: for (;;) {',
    'start-due-jobs.ts: for (let [job] = inTurn(queued), left = queued; job !== undefined; [job] = inTurn(left)) {',
    "start-due-jobs.ts: for (let after = ''; ; ) {",
  ])
})
