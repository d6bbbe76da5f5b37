import type { Client } from '@urql/core'
import { graphql } from './generated/index.ts'

const Person = graphql(/* GraphQL */ `
  query Person {
    viewer {
      name
      roles
    }
  }
`)

/** Whose requests these are, such as "Anna (operator)". Rejects with a CombinedError. */
export async function personName(client: Client): Promise<string> {
  const { data, error } = await client.query(Person, {})
  if (!data) throw error
  const { name, roles } = data.viewer
  return roles.length > 0 ? `${name} (${roles.join(', ')})` : name
}
