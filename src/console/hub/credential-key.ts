/** Where a tab keeps the credential that is in force, in its `sessionStorage`. GraphiQL, in the same tab, uses it too. */
export const credentialKey = 'twincast-credential'
