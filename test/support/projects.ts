/**
 * Folders whose test files have a process each: they load no hub, or register hooks in what they import. A file elsewhere
 * that replaces a module or a variable, or measures its process, has one too: its name ends with `.apart.test.ts`.
 *
 * All other files share processes: in each process, files run one after another and find the modules loaded that the files
 * before them imported. Loading the hub takes most of the time of a short file.
 */
export const foldersApart = ['dev', 'library', 'package'] as const

const apart = [`test/@(${foldersApart.join('|')})/**/*.test.ts`, 'test/**/*.apart.test.ts']

/** The files of each project of the run, as vitest selects them. */
export const projects = {
  together: { include: ['test/**/*.test.ts'], exclude: apart, isolate: false },
  apart: { include: apart, isolate: true },
}
