import type { Seal, Sequence, Table } from '../database/copy-tables.ts'
import { utf8Text } from '../utf8.ts'
import { BackupError } from './archive.ts'

/** The first file of a backup: what is in it. */
export type Manifest = {
  /** The version of Twincast that wrote it. */
  readonly version: string
  readonly createdTime: string
  /** The version of PostgreSQL that the rows come from. */
  readonly postgresql: string
  /** The migrations of the database, with their checksums. */
  readonly migrations: Readonly<Record<string, string>>
  /** The tables, in the order in which they can be filled. */
  readonly tables: readonly Table[]
}

/** The last file of a backup: what to compare. */
export type Closing = {
  /** By table: `sha256` is that of its rows as they are in the backup. */
  readonly tables: Readonly<Record<string, Seal & { readonly sha256: string }>>
  readonly sequences: readonly Sequence[]
}

/** The version of the form of backups. */
const form = 1

/** The names of files in a backup. A table is divided into numbered parts, and a file of the data folder is whole. */
export const files = {
  manifest: 'manifest.json',
  table: (name: string) => `tables/${name}/`,
  dataFolder: 'data-folder/',
  closing: 'end.json',
} as const

export const printManifest = (manifest: Manifest): Buffer => print({ form, ...manifest })

export const printClosing = (closing: Closing): Buffer => print(closing)

const print = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value, null, 2)}\n`)

/** @throws BackupError */
export function parseManifest(bytes: Buffer): Manifest {
  const { form: given, version, createdTime, postgresql, migrations, tables } = objectIn(bytes)
  if (typeof given === 'number' && given > form) {
    throw new BackupError(
      `A newer release of Twincast (${version}) wrote it, in a form that this release does not know. Restore it with that release.`,
    )
  }
  return {
    version: textIn(version),
    createdTime: textIn(createdTime),
    postgresql: textIn(postgresql),
    migrations: Object.fromEntries(entriesIn(migrations).map(([name, checksum]) => [name, textIn(checksum)])),
    tables: listIn(tables).map((table) => {
      const { name, columns } = memberIn(table)
      return { name: textIn(name), columns: listIn(columns).map(textIn) }
    }),
  }
}

/** @throws BackupError */
export function parseClosing(bytes: Buffer): Closing {
  const { tables, sequences } = objectIn(bytes)
  return {
    tables: Object.fromEntries(
      entriesIn(tables).map(([name, table]) => {
        const { rows, digest, sha256 } = memberIn(table)
        return [name, { rows: numberIn(rows), digest: textIn(digest), sha256: textIn(sha256) }]
      }),
    ),
    sequences: listIn(sequences).map((sequence) => {
      const { name, value, isCalled } = memberIn(sequence)
      return { name: textIn(name), value: textIn(value), isCalled: isCalled === true }
    }),
  }
}

function objectIn(bytes: Buffer): Readonly<Record<string, unknown>> {
  try {
    return memberIn(JSON.parse(textOf(bytes)))
  } catch {
    throw faulty()
  }
}

/** The text of a file in a backup. @throws BackupError */
export function textOf(bytes: Buffer): string {
  const text = utf8Text(bytes)
  if (text === undefined) throw faulty()
  return text
}

const faulty = (): BackupError => new BackupError('It is not a backup that twincast backup wrote.')

const entriesIn = (value: unknown): [string, unknown][] => Object.entries(memberIn(value))

function memberIn(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw faulty()
  return Object.fromEntries(Object.entries(value))
}

function listIn(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw faulty()
  return value
}

function textIn(value: unknown): string {
  if (typeof value !== 'string') throw faulty()
  return value
}

function numberIn(value: unknown): number {
  if (typeof value !== 'number') throw faulty()
  return value
}
