import { readFileSync } from 'node:fs'
import { serveFleet } from './process-commands.ts'

/**
 * The entry of a process that runs a fleet. The description is in the file named as argument, or in the first line of
 * standard input. Commands follow on standard input, and messages go to standard output, one JSON object per line.
 */
const [file] = process.argv.slice(2)
// There is no reader any more: the input has ended too, or is about to.
process.stdout.on('error', () => {})
await serveFleet(
  process.stdin,
  (line) => process.stdout.write(`${line}\n`),
  file === undefined ? undefined : JSON.parse(readFileSync(file, 'utf8')),
)
// The fleet is closed; an answer under way must not keep the process alive.
process.exit()
