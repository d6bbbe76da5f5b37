// Words that IoT Hub's documentation, SDKs and service spell in several ways. This hub writes the first spelling.

/** A closed list of words, each with possible other spellings. Case never matters. */
export type Words<Name extends string = string> = {
  /** The name of the list in messages. */
  readonly noun: string
  readonly known: readonly Name[]
  /** The word as this hub writes it; undefined for an unknown one. */
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

/** Types of jobs, with every spelling from the documentation of IoT Hub. */
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

/** Statuses of device jobs. No device job is ever `scheduled` here, but IoT Hub has the word. */
export const deviceJobStatusWords = wordsOf('device job status', {
  pending: ['queued', 'enqueued'],
  scheduled: [],
  running: [],
  completed: ['finished', 'succeeded'],
  failed: [],
  canceled: ['cancelled'],
})
