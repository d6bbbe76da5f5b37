import { constants } from 'node:crypto'
import type { TlsOptions } from 'node:tls'

/**
 * The settings of every TLS port. Keys are agreed on by elliptic curves only: an exchange over a finite field costs a
 * server so much more than a client that a few per second keep it busy (CVE-2002-20001). A client may not renegotiate
 * on a connection. Ciphers are authenticated, with a full-length tag. All clients of IoT Hub that speak TLS 1.2 support
 * one of them.
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
