import type { HubClient } from '../../src/cli/hub-client.ts'

type Request = { readonly document: string; readonly variables: unknown }

/** A client of no hub: `answer` gives the data of queries and mutations, `updates` those of subscriptions. */
export function fakeHub(
  answer: (request: Request) => unknown,
  updates: readonly unknown[] = [],
): HubClient & { readonly requests: Request[] } {
  const requests: Request[] = []
  return {
    requests,
    async execute(document, variables) {
      const request = { document: document.toString(), variables }
      requests.push(request)
      return copyOf(answer(request))
    },
    async *subscribe() {
      for (const update of updates) yield copyOf(update)
    },
    close() {},
  }
}

/** As it would have come over the wire, and of whatever type the document promises. */
const copyOf = (data: unknown) => JSON.parse(JSON.stringify(data))
