/**
 * Folders whose test files share processes: in each process, files run one after another and find the modules loaded that
 * the files before them imported. Loading them takes most of the time of a short file.
 *
 * Each file elsewhere has a process of its own, and so has a file in these folders that replaces a module or measures its
 * process: its name ends with `.apart.test.ts`.
 */
export const foldersTogether = [
  'access',
  'audit',
  'bench',
  'console',
  'device',
  'graphql',
  'house',
  'job',
  'json',
  'limits',
  'log',
  'method',
  'mqtt',
  'query',
  'rest',
  'scheduler',
  'simulator',
  'statement',
  'throttle',
  'twin',
] as const

const folders = foldersTogether.join('|')
const apart = 'test/**/*.apart.test.ts'

/** The files of each project of the run, as vitest selects them. */
export const projects = {
  together: { include: [`test/@(${folders})/**/*.test.ts`], exclude: [apart], isolate: false },
  apart: { include: ['test/*.test.ts', `test/!(${folders})/**/*.test.ts`, apart], isolate: true },
}
