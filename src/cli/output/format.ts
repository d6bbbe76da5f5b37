import { Option } from '@commander-js/extra-typings'

/** How rows are written. */
export const formats = ['table', 'json', 'jsonl', 'csv'] as const
export type Format = (typeof formats)[number]

/** The option `--format`. */
export const format = () =>
  new Option('--format <FORMAT>', 'how to print: table on a terminal and jsonl elsewhere, if omitted').choices(formats)

/** The format that applies to an output. */
export const formatFor = (format: Format | undefined, { isTTY }: { readonly isTTY?: boolean }): Format =>
  format ?? (isTTY ? 'table' : 'jsonl')
