import type { Session } from './session.ts'

/** Sends a query or a mutation by POST, and resolves with what the hub answered. */
export async function post<Answer>(
  { url, session }: { readonly url: string; readonly session: Session },
  request: object,
): Promise<Answer> {
  const authorization = await session.authorization()
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      accept: 'application/graphql-response+json',
      'content-type': 'application/json',
      ...(authorization !== undefined && { authorization }),
    },
    body: JSON.stringify(request),
  })
  return response.json()
}
