import { readFileSync } from 'node:fs'
import { serveFleet } from './serve.ts'

/**
 * The entry of a process that runs a fleet: the description in the file named as argument, or else in the first line of
 * its standard input; then commands on standard input and messages on standard output, one JSON object a line.
 */
const [file] = process.argv.slice(2)
// Nobody reads any more: the input has ended too, or is about to.
process.stdout.on('error', () => {})
await serveFleet(
  process.stdin,
  (line) => process.stdout.write(`${line}\n`),
  file === undefined ? undefined : JSON.parse(readFileSync(file, 'utf8')),
)
// The fleet is closed; an answer still being worked on must not keep the process.
process.exit()
