import type { Screen } from '../terminal/screen.ts'
import type { DemoAddresses } from './hub.ts'
import type { DemoJob } from './jobs.ts'

/** Prints the addresses of the hub and waits for Ctrl-C, which is the normal end. */
export async function waitForStop(
  { print, style }: Pick<Screen, 'print' | 'style'>,
  stopped: AbortSignal,
  { addresses, jobs }: { readonly addresses: DemoAddresses; readonly jobs: readonly DemoJob[] },
): Promise<void> {
  const [job] = jobs
  print(
    style.strong('The hub and its devices run until Ctrl-C'),
    `  Console               ${addresses.console}`,
    `  GraphiQL and GraphQL  ${addresses.graphql}`,
    `  MQTT                  ${addresses.mqtt}`,
    '',
    '  A first query:',
    '',
    `    { job(jobId: "${job?.jobId}") {`,
    '        status outcome',
    '        deviceJobs(filter: { status: [FAILED] }, first: 5) {',
    '          nodes { deviceId error { code description } device { twin { tags } } } } } }',
    '',
  )
  if (!stopped.aborted) await new Promise((resolve) => stopped.addEventListener('abort', resolve, { once: true }))
}
