import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { classifyContext, classifyNamedContext, classifySource } from '../../../../src/build/context/classify.js'

const cwd = mkdtempSync(join(tmpdir(), 'tspod-classify-'))
mkdirSync(join(cwd, 'ctx'))
mkdirSync(join(cwd, 'github.com/a/b'), { recursive: true })
writeFileSync(join(cwd, 'file'), '')
afterAll(() => rmSync(cwd, { recursive: true }))

describe('a source of ADD', () => {
  test.each([
    ['a/b', 'path'],
    ['*.txt', 'path'],
    ['github.com/a/b', 'path'],
    ['https://example.com/x.tar', 'url'],
    ['https://example.com/x.git', 'git'],
    ['https://example.com/x.git?ref=v1', 'git'],
    ['git@example.com:x', 'git'],
    ['https://', 'path'],
    ['ftp://example.com/x', 'path'],
  ])('%s is a %s', (text, kind) => {
    expect(classifySource(text).kind).toBe(kind)
  })
})

describe('a context', () => {
  test.each([
    ['ctx', 'folder'],
    ['.', 'folder'],
    ['github.com/a/b', 'folder'],
    ['github.com/a/c', 'git'],
    ['https://example.com/x.tar.gz', 'url'],
    ['git@example.com:x', 'git'],
  ])('%s is a %s', (text, kind) => {
    expect(classifyContext(text, cwd).kind).toBe(kind)
  })

  test.each([
    ['nothing', /no such folder/],
    ['file', /not a folder/],
  ])('%s is refused', (text, message) => {
    expect(() => classifyContext(text, cwd)).toThrow(message)
  })
})

describe('a named context', () => {
  test.each([
    ['docker-image://alpine:3', { kind: 'image', reference: 'alpine:3' }],
    ['container-image://quay.io/x', { kind: 'image', reference: 'quay.io/x' }],
    ['docker://x@sha256:00', { kind: 'image', reference: 'x@sha256:00' }],
    ['target:Base', { kind: 'stage', name: 'base' }],
    ['oci-layout://ctx', { kind: 'oci-layout', path: join(cwd, 'ctx') }],
    ['oci-layout:///a/b:v1', { kind: 'oci-layout', path: '/a/b', tag: 'v1' }],
    ['oci-layout://b@sha256:0a', { kind: 'oci-layout', path: join(cwd, 'b'), digest: 'sha256:0a' }],
    ['oci-layout://b:v1@sha256:0a', { kind: 'oci-layout', path: join(cwd, 'b'), tag: 'v1', digest: 'sha256:0a' }],
    ['ctx', { kind: 'folder', path: join(cwd, 'ctx') }],
    ['local:ctx', { kind: 'folder', path: join(cwd, 'ctx') }],
  ])('%s', (text, expected) => {
    expect(classifyNamedContext(text, cwd)).toEqual(expected)
  })
})
