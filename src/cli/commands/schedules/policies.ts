import { Option } from '@commander-js/extra-typings'

/** The option `--missed` of commands for schedules. */
export const missed = () =>
  new Option('--missed <POLICY>', 'what to do about times at which no hub ran').choices(['SKIP', 'RUN_ONCE'] as const)

/** The option `--overlap` of commands for schedules. */
export const overlap = () =>
  new Option('--overlap <POLICY>', 'what to do while a job of the schedule has not ended').choices([
    'SKIP',
    'PARALLEL',
    'QUEUE',
    'REFUSE',
  ] as const)
