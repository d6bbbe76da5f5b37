const lengths = new WeakMap<Response, number>()

/** The response, of which is known how many bytes its body has. */
export function withBytes(response: Response, bytes: number): Response {
  lengths.set(response, bytes)
  return response
}

/** How many bytes the body of a response has; undefined when that is not known. */
export const bytesOf = (response: Response): number | undefined => lengths.get(response)
