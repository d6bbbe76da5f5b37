import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { gzipSync } from 'node:zlib'

const assets = resolve(import.meta.dirname, '../../dist/console/assets')

/** The JavaScript and CSS of the console as it was built, without GraphiQL, in kilobytes of gzip -9. */
export function describeBuild(): string {
  const files = readdirSync(assets)
    .filter((name) => /\.(?:js|css)$/.test(name) && !name.startsWith('graphiql-'))
    .map((name) => {
      const bytes = readFileSync(resolve(assets, name))
      return { name, raw: bytes.length, packed: gzipSync(bytes, { level: 9 }).length }
    })
    .sort((one, other) => other.packed - one.packed)
  const kilobytes = (all: readonly number[]): string =>
    `${Math.round(all.reduce((sum, one) => sum + one, 0) / 1000)} kB`
  const packedOf = (begin: string, end: string) =>
    files.filter(({ name }) => name.startsWith(begin) && name.endsWith(end)).map(({ packed }) => packed)
  return [
    `${kilobytes(files.map(({ packed }) => packed))} in all (${kilobytes(files.map(({ raw }) => raw))} raw)`,
    `entry index ${kilobytes(packedOf('index-', '.js'))}`,
    `largest file ${files[0]?.name.replace(/-[\w-]{8}\.js$/, '')} ${kilobytes(files.slice(0, 1).map(({ packed }) => packed))}`,
    `largest page ${kilobytes(packedOf('page-', '.js').slice(0, 1))}`,
    `CSS ${kilobytes(packedOf('', '.css'))}`,
  ].join('; ')
}
