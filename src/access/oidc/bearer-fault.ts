import { UnauthorizedError } from '../../errors.ts'

/** The reasons why the token of a person is refused, as metrics count them. */
export type BearerFault =
  | 'malformed'
  | 'algorithm'
  | 'type'
  | 'issuer'
  | 'audience'
  | 'expired'
  | 'not_yet_valid'
  | 'key'
  | 'signature'
  | 'subject'

const messages: Readonly<Record<BearerFault, string>> = {
  malformed: 'The token is malformed. Send "Authorization: Bearer …" with a signed JWT (JWS) of at most 16 KB.',
  algorithm: 'The signature algorithm of the token is not accepted. Accepted are RS256, PS256, ES256 and EdDSA.',
  type: 'The token is not an access token: its header names another type (typ). Accepted are at+jwt, JWT and no type.',
  issuer: 'The issuer of the token is unknown to this hub. OIDC_ISSUER has the issuers that it accepts.',
  audience: 'The token is not for this hub. OIDC_AUDIENCE has the audiences that it accepts.',
  expired: 'The token has expired. Sign in again, or renew it.',
  not_yet_valid: 'The token is not valid yet. The clocks of the issuer and of the hub may differ.',
  key: 'The token is signed with a key that its issuer does not publish.',
  signature: 'The signature of the token is not valid.',
  subject: 'The token identifies no person: it must have an expiry (exp) and a subject (sub) of 1 to 255 characters.',
}

/** Characters of an issuer in errors. */
const mostShown = 255

/**
 * The token of a person is refused. The message names settings of the hub and quotes nothing. `issuer` is that of the
 * token, when the hub does not know it.
 */
export class BearerError extends UnauthorizedError {
  override readonly name = 'BearerError'
  readonly fault: BearerFault
  constructor(fault: BearerFault, issuer?: string) {
    super(messages[fault], `token of a person: ${fault.replaceAll('_', ' ')}`, {
      code: fault === 'expired' ? 'TOKEN_EXPIRED' : 'TOKEN_INVALID',
      challenge: 'Bearer error="invalid_token", SharedAccessSignature',
      missing: issuer === undefined ? undefined : { issuer: issuer.slice(0, mostShown) },
    })
    this.fault = fault
  }
}
