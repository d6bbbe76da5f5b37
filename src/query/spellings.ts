// Words that IoT Hub's articles, SDKs and service spell in several ways. The first spelling is the one this hub says.

/** A fixed list of words, of which each may have other spellings. Case never matters. */
export type Words<Name extends string = string> = {
  /** What they are words for. */
  readonly noun: string
  readonly known: readonly Name[]
  /** The word as this hub says it; undefined for a text that is none. */
  canonical(text: string): Name | undefined
}

function wordsOf<Name extends string>(noun: string, spellings: Readonly<Record<Name, readonly string[]>>): Words<Name> {
  const known: Name[] = []
  const names = new Map<string, Name>()
  for (const name in spellings) {
    known.push(name)
    for (const spelling of [name, ...spellings[name]]) names.set(spelling.toLowerCase(), name)
  }
  return { noun, known, canonical: (text) => names.get(text.toLowerCase()) }
}

/** Types of jobs: every spelling that stands in some article on IoT Hub. */
export const jobTypeWords = wordsOf('job type', {
  scheduleDeviceMethod: ['scheduleDirectRequest', 'scheduleDirectMethod', 'scheduledDeviceMethod'],
  scheduleUpdateTwin: ['scheduleTwinUpdate', 'scheduledUpdateTwin'],
})

/** Statuses of jobs. */
export const jobStatusWords = wordsOf('job status', {
  queued: ['enqueued', 'pending'],
  scheduled: [],
  running: [],
  completed: ['finished'],
  failed: [],
  cancelled: ['canceled'],
})

/** Statuses of device jobs. None is ever `scheduled` here, and IoT Hub knows the word. */
export const deviceJobStatusWords = wordsOf('status of a device job', {
  pending: ['queued', 'enqueued'],
  scheduled: [],
  running: [],
  completed: ['finished', 'succeeded'],
  failed: [],
  canceled: ['cancelled'],
})
