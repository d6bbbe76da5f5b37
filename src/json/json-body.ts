/** The refusal of a body that `isJsonBody` does not accept: status 415, in every API over HTTP. */
export const notJsonBody =
  'The body must be JSON without a content encoding. Send the header "Content-Type: application/json".'

/**
 * Whether the headers announce a body of JSON that is not compressed. The limits of bytes apply to the bytes that arrive, so
 * a body that grows when it is decompressed would get around them.
 */
export function isJsonBody(headers: Headers): boolean {
  const mediaType = headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase()
  const encoding = headers.get('content-encoding')?.trim().toLowerCase() ?? 'identity'
  return mediaType === 'application/json' && encoding === 'identity'
}
