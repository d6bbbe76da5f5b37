/** The command line is wrong in a way that its parser cannot know. The message says what is allowed. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
