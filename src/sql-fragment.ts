/**
 * SQL text with bind parameters, as the halves of a tagged template: `strings` has one entry more than `values`, and
 * parameter n stands between `strings[n]` and `strings[n + 1]`.
 */
export type Fragment = { readonly strings: readonly string[]; readonly values: readonly unknown[] }

/**
 * A client's condition on devices. `lookups` is a condition that it implies, and that indexes can answer: a few
 * comparisons of members with constants. Undefined when it has none.
 */
export type DeviceCondition = Fragment & { readonly lookups?: Fragment | undefined }
