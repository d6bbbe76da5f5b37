import { writeFile } from 'node:fs/promises'
import { printSchema } from 'graphql'
import { schema } from '../graphql/schema.ts'

// Writes schema.graphql: what clients generate their types from, and where a change of the API shows in a review.
await writeFile(new URL('../../schema.graphql', import.meta.url), `${printSchema(schema)}\n`)
