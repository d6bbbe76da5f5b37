import type { Bench } from './benchmark.ts'
import { createClosers } from './closers.ts'
import { registerDevices } from './devices.ts'
import { openGraphqlDoor } from './door.ts'
import { type BenchHub, openHub } from './hub.ts'
import { compare } from './measure.ts'
import { percentile } from './numbers.ts'
import { post } from './post.ts'
import { type Row, type Run, VoidRunError } from './row.ts'

const full = { few: 10_000, many: 100_000, jobs: 500 }
const quickSizes = { few: 100, many: 1_000, jobs: 20 }
const oneMillion = 1_000_000

const query = `mutation Schedule($input: ScheduleDeviceMethodInput!) {
  scheduleDeviceMethod(input: $input) { __typename ... on ScheduleJobPayload { job { jobId } } }
}`

/** P8: whether scheduling a job takes the same time however many devices are registered. Two hubs, one of each size. */
export async function scheduling(bench: Bench): Promise<Row[]> {
  const { few, many, jobs } = bench.quick ? quickSizes : full
  const closers = createClosers()
  try {
    const small = await openHub()
    closers.add(small.close)
    await registerDevices({ ...bench, deps: small.deps }, 'p8', few)
    await registerDevices(bench, 'p8', bench.million ? oneMillion : many)
    const [ours, baseline] = [await openScheduling(bench), await openScheduling(small)]
    closers.add(ours.close)
    closers.add(baseline.close)
    return [
      await compare(bench, {
        name: bench.million ? 'P8 million' : 'P8',
        what: `scheduling a job with ${(bench.million ? oneMillion : many).toLocaleString('en')} devices registered, 99 % of ${jobs}`,
        unit: 'ms',
        baselineName: `the same with ${few.toLocaleString('en')}`,
        limit: { kind: 'gate', atMost: 1.5 },
        ours: () => ours.schedule(jobs, bench.signal),
        baseline: () => baseline.schedule(jobs, bench.signal),
      }),
    ]
  } finally {
    await closers.close()
  }
}

type Scheduling = { schedule(jobs: number, signal: AbortSignal): Promise<Run>; close(): Promise<void> }

/** The mutation over HTTP, one at a time. Nothing starts the jobs. */
async function openScheduling({ deps }: Pick<BenchHub, 'deps'>): Promise<Scheduling> {
  const { url, close } = await openGraphqlDoor(deps)
  return {
    async schedule(jobs, signal) {
      const times: number[] = []
      for (let index = 0; index < jobs; index++) {
        const input = {
          queryCondition: `tags.building = ${index % 1_000}`,
          cloudToDeviceMethod: { methodName: 'reboot' },
        }
        const begun = performance.now()
        const answer = await post(url.replace(/^ws/, 'http'), JSON.stringify({ query, variables: { input } }), signal)
        times.push(performance.now() - begun)
        if (!answer.includes('"jobId"')) throw new VoidRunError(`Void: a job was not scheduled: ${answer}`)
      }
      return { value: percentile(times, 0.99), cpuMicros: {} }
    },
    close,
  }
}
