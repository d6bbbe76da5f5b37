/**
 * Maximum bytes of the body of a request, over GraphQL and REST: a method payload (128 KB) or a twin (40 KB) fits with
 * its envelope, even with some escapes. GraphQL counts them before parsing, because its parser does not count comments.
 */
export const maxBodyBytes = 256 * 1024
