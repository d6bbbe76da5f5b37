/** What the form says about a job that was copied into it: also what it cannot copy. */
export function describeCopy(
  jobId: string,
  { retryOf, waves }: { readonly retryOf: unknown; readonly waves: readonly unknown[] | null },
): string {
  return [
    `Copied from job ${jobId}.`,
    ...(retryOf ? ['That job retried some of the devices; its condition matches all of them.'] : []),
    ...(waves?.length ? ['Its waves are not copied: all devices have their turn at once.'] : []),
  ].join(' ')
}
