import type { AbstractReturnShape, ObjectRef, ParentShape, UnionRef } from '@pothos/core'
import {
  AlreadyExistsError,
  BadDeviceResponseError,
  ConflictError,
  DeviceOfflineError,
  DeviceTimeoutError,
  type DomainError,
  ExpectationFailedError,
  InvalidInputError,
  LimitExceededError,
  NotFoundError,
  PreconditionError,
  QueryConditionError,
} from '../errors.ts'
import { builder, type Types } from './builder.ts'

const ErrorCode = builder.enumType('ErrorCode', {
  description: 'The kind of an error. New values may be added.',
  values: {
    NOT_FOUND: {
      description: 'Nothing has this ID or name, or the device is disabled and cannot be called.',
    },
    ALREADY_EXISTS: {
      description: 'The ID is in use. Jobs keep their IDs after they have ended, until they are deleted.',
    },
    CONFLICT: { description: 'The state of the object does not allow the change.' },
    PRECONDITION_FAILED: { description: 'The object has changed: the given etag is not the current one.' },
    EXPECTATION_FAILED: { description: 'The devices that match the condition are not the expected ones.' },
    INVALID_INPUT: { description: 'A value of the input is not valid.' },
    QUERY_CONDITION: { description: 'The query condition does not parse or exceeds a limit.' },
    LIMIT_EXCEEDED: { description: 'The request exceeds a limit of the hub.' },
    DEVICE_OFFLINE: { description: 'The device is not connected, or has not subscribed to methods.' },
    DEVICE_TIMEOUT: { description: 'The device received the call and did not answer in time.' },
    BAD_DEVICE_RESPONSE: {
      description: 'The device received the call. Its answer is not valid and cannot be passed on.',
    },
  } as const,
})

const ErrorInterface = builder.interfaceRef<Pick<DomainError, 'message' | 'code'>>('Error').implement({
  description: 'An expected error. Every member of a result union except the payload implements this interface.',
  fields: (t) => ({
    message: t.exposeString('message', { description: 'A message for people.' }),
    code: t.field({
      type: ErrorCode,
      description: 'The error code, for programs.',
      resolve: ({ code }) => {
        switch (code) {
          case 'UNAUTHORIZED':
          case 'TOKEN_EXPIRED':
          case 'TOKEN_INVALID':
          case 'FORBIDDEN':
          case 'PAYLOAD_NOT_SHOWN':
            throw new Error(`${code} is an error of the request.`)
          default:
            return code
        }
      },
    }),
  }),
})

const interfaces = [ErrorInterface]

const MissingKind = builder.enumType('MissingKind', {
  description: 'What a NotFoundError is about. New values may be added.',
  values: {
    DEVICE: { value: 'device', description: 'A device.' },
    JOB: { value: 'job', description: 'A job.' },
    WEBHOOK: { value: 'webhook', description: 'A webhook.' },
    WEBHOOK_DELIVERY: { value: 'delivery', description: 'A delivery of a webhook.' },
    DEVICE_GROUP: { value: 'device group', description: 'A device group.' },
    JOB_TEMPLATE: { value: 'job template', description: 'A job template.' },
    JOB_SCHEDULE: { value: 'job schedule', description: 'A job schedule.' },
  } as const,
})

builder.objectType(NotFoundError, {
  name: 'NotFoundError',
  interfaces,
  description: 'Nothing has this ID or name, or the device is disabled and cannot be called.',
  fields: (t) => ({
    kind: t.expose('kind', {
      type: MissingKind,
      description: 'What was not found: an input may name several, such as a job schedule and its template.',
    }),
  }),
})
builder.objectType(AlreadyExistsError, {
  name: 'AlreadyExistsError',
  interfaces,
  description: 'The ID is in use. Jobs keep their IDs after they have ended, until they are deleted.',
})
builder.objectType(ConflictError, {
  name: 'ConflictError',
  interfaces,
  description: 'The state of the object does not allow the change.',
})
builder.objectType(PreconditionError, {
  name: 'PreconditionError',
  interfaces,
  description: 'The object has changed: `ifMatch` is not its current etag. Nothing was changed.',
})
builder.objectType(ExpectationFailedError, {
  name: 'ExpectationFailedError',
  interfaces,
  description: 'The devices that match the condition now are not the expected ones. No job was scheduled.',
  fields: (t) => ({
    deviceCount: t.exposeInt('deviceCount', { description: 'Number of devices that match the condition now.' }),
    fingerprint: t.exposeString('fingerprint', {
      description: 'The fingerprint of the devices that match the condition now, as a new preview would return it.',
    }),
  }),
})
builder.objectType(InvalidInputError, {
  name: 'InvalidInputError',
  interfaces,
  description: 'A value of the input is not valid.',
  fields: (t) => ({
    path: t.exposeStringList('path', {
      description: 'The path of the value, from the root of the input: `["updateTwin", "tags", "a.b"]`.',
    }),
  }),
})
builder.objectType(QueryConditionError, {
  name: 'QueryConditionError',
  interfaces,
  description: 'The query condition does not parse or exceeds a limit.',
  fields: (t) => ({
    line: t.exposeInt('line', { description: 'The line of the error in the condition, counted from 1.' }),
    column: t.exposeInt('column', {
      description: 'The column of the error in the line, counted from 1 in UTF-16 code units.',
    }),
  }),
})
builder.objectType(LimitExceededError, {
  name: 'LimitExceededError',
  interfaces,
  description: 'The request exceeds what the hub accepts at the moment.',
  fields: (t) => ({
    retryAfterSeconds: t.exposeInt('retryAfterSeconds', {
      description: 'Seconds to wait before the request is repeated.',
    }),
  }),
})
builder.objectType(DeviceOfflineError, {
  name: 'DeviceOfflineError',
  interfaces,
  description:
    'The device did not connect and subscribe to methods within the connection timeout. The call was not sent.',
})
builder.objectType(BadDeviceResponseError, {
  name: 'BadDeviceResponseError',
  interfaces,
  description:
    'The answer of the device is not JSON, too long or nested too deeply. The method ran. The answer is lost.',
})
builder.objectType(DeviceTimeoutError, {
  name: 'DeviceTimeoutError',
  interfaces,
  description: 'The device received the call and did not answer in time. Whether the method ran is unknown.',
})

type Failure = new (...args: never[]) => DomainError
type ResultUnion<Member extends ObjectRef<Types, unknown> | Failure> = UnionRef<
  Types,
  AbstractReturnShape<Types, Member>,
  ParentShape<Types, Member>
>

/**
 * The result of a mutation: its payload, or one of the expected errors, which the resolver throws or returns. Every
 * mutation is throttled, so LimitExceededError is always a member.
 */
export function resultUnion<Payload, Member extends Failure>(
  name: string,
  payload: ObjectRef<Types, Payload>,
  failures: readonly Member[],
  description: string,
): ResultUnion<ObjectRef<Types, Payload> | Member | typeof LimitExceededError> {
  const types = [payload, ...failures, LimitExceededError]
  return builder.errorUnion(name, { description, types, resolveType: () => payload })
}
