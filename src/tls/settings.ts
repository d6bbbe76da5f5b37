import { constants } from 'node:crypto'
import type { TlsOptions } from 'node:tls'

/**
 * How every port that speaks TLS does it. Keys are agreed on by elliptic curves only: an exchange over a finite field
 * costs a server so much more than a client that a few a second keep it busy (CVE-2002-20001). Nor may a client make the
 * server shake hands again on a connection. Ciphers authenticate what they encrypt, with a whole tag. All clients of IoT
 * Hub that speak TLS 1.2 have one of them.
 */
export const tlsSettings = {
  minVersion: 'TLSv1.2',
  ecdhCurve: 'X25519:P-256:P-384',
  ciphers: [
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    'TLS_AES_128_GCM_SHA256',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-CHACHA20-POLY1305',
  ].join(':'),
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
} as const satisfies TlsOptions
