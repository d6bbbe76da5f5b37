/**
 * The signature algorithms of tokens that are accepted. Not `none`, and none with a shared secret: whoever can check
 * such a token could make one.
 */
export const algorithms: readonly string[] = ['RS256', 'PS256', 'ES256', 'EdDSA']
