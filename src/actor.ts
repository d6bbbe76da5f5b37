/** The kind of an actor: a shared access policy, a person, any client of this machine, or the hub itself. */
export type ActorKind = 'policy' | 'person' | 'anonymous' | 'hub'

/** Whoever changes something, as far as the history of jobs and the audit keep it. */
export type Actor = {
  readonly kind: ActorKind
  /** Unique: `policy:iothubowner`, or the issuer and the subject of a person. */
  readonly id: string
  /** Shown to people: the name of a person or of a policy. */
  readonly name: string
  /** The issuer of a person's token; null for others. */
  readonly issuer: string | null
  /** Unique for the issuer: the `sub` of a person's token, or the name of the policy. */
  readonly subject: string
}
