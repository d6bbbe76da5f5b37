import { writeFile } from 'node:fs/promises'
import { printSchema } from 'graphql'
import { schema } from '../graphql/schema.ts'

// Prints the text of schema.graphql. Clients generate their types from it, and reviews of it show changes of the API.
await writeFile(new URL('../../schema.graphql', import.meta.url), `${printSchema(schema)}\n`)
