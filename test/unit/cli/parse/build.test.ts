import { resolve } from 'node:path'
import { describe } from 'vitest'
import { parseAttestation, parseProvenance, parseSbom } from '../../../../src/cli/parse/build-attestation.js'
import { parseCachePlace } from '../../../../src/cli/parse/build-cache.js'
import { parseOutput } from '../../../../src/cli/parse/build-output.js'
import { parseSecret, parseSsh } from '../../../../src/cli/parse/build-secret.js'
import { grammar } from './table.js'

describe('--output', () => {
  grammar(
    parseOutput,
    [
      ['out', { output: { type: 'local', path: resolve('out') } }],
      ['-', { output: { type: 'tar', target: '-' } }],
      ['type=local,dest=/o,platform-split=false', { output: { type: 'local', path: '/o', platformSplit: false } }],
      ['type=tar,dest=-', { output: { type: 'tar', target: '-' } }],
      ['type=tar,dest=/o.tar', { output: { type: 'tar', target: '/o.tar' } }],
      ['type=oci,dest=/o,tar=false,name=a', { output: { type: 'oci', target: '/o', tar: false, name: 'a' } }],
      ['type=docker', { output: { type: 'image', names: [], push: false } }],
      ['type=docker,dest=/o.tar', { output: { type: 'docker', target: '/o.tar' } }],
      ['type=image,"name=a,b:c",push=true', { output: { type: 'image', names: ['a', 'b:c'], push: true } }],
      ['type=registry,name=h/a', { output: { type: 'registry', names: ['h/a'] } }],
      [
        'type=image,name=a,oci-mediatypes=false',
        { output: { type: 'image', names: ['a'], push: false }, format: 'docker' },
      ],
      [
        'type=image,name=a,annotation.k=v,annotation-manifest.l=w',
        { output: { type: 'image', names: ['a'], push: false }, annotations: { k: 'v', l: 'w' } },
      ],
    ],
    [
      ['', 'an output has no name'],
      ['type=local', 'needs dest='],
      ['type=local,dest=-', 'a folder cannot go to the standard output'],
      ['type=oci,tar=false,dest=-', 'a folder cannot go to the standard output'],
      ['type=gha', 'type "gha" of an output is none of'],
      ['dest=x', 'type "" of an output is none of'],
      ['type=local,dest=x,name=y', '"name" is not known for an output of type local'],
      ['type=image,compression=estargz', 'compression=estargz is not supported'],
      ['type=image,push=maybe', 'is neither true nor false'],
      ['type=__proto__', 'is none of'],
    ],
  )
})

describe('--cache-from and --cache-to', () => {
  grammar(
    parseCachePlace,
    [
      ['host/a:b', { type: 'registry', reference: 'host/a:b' }],
      [
        'type=registry,ref=a,mode=max,ignore-error=true',
        { type: 'registry', reference: 'a', mode: 'max', ignoreError: true },
      ],
      ['type=local,src=/c', { type: 'local', path: '/c' }],
      ['type=local,dest=c,mode=min', { type: 'local', path: resolve('c'), mode: 'min' }],
      ['type=inline', { type: 'inline' }],
    ],
    [
      ['', 'the name of a cache is empty'],
      ['type=registry', 'needs ref='],
      ['type=local', 'needs src or dest='],
      ['type=gha', 'a cache of type "gha" is not supported'],
      ['type=x', 'unknown type "x" of a cache'],
      ['type=local,src=x,mode=mid', 'mode "mid" is neither min nor max'],
      ['type=local,src=x,secret=y', '"secret" is not known for a local cache'],
    ],
  )
})

describe('--secret', () => {
  grammar(
    parseSecret,
    [
      ['id=a,src=/s', { id: 'a', source: { type: 'file', path: '/s' } }],
      ['id=a,source=s', { id: 'a', source: { type: 'file', path: resolve('s') } }],
      ['src=/some/where', { id: 'where', source: { type: 'file', path: '/some/where' } }],
      ['id=a,env=B', { id: 'a', source: { type: 'env', name: 'B' } }],
      ['env=B', { id: 'B', source: { type: 'env', name: 'B' } }],
      ['id=a,type=env', { id: 'a', source: { type: 'env', name: 'a' } }],
      ['id=a,type=env,src=B', { id: 'a', source: { type: 'env', name: 'B' } }],
      ['id=PATH', { id: 'PATH', source: { type: 'env', name: 'PATH' } }],
      ['id=no_such_variable', { id: 'no_such_variable', source: { type: 'file', path: resolve('no_such_variable') } }],
      ['id=PATH,type=file', { id: 'PATH', source: { type: 'file', path: resolve('PATH') } }],
      ['"id=a","src=/with,comma"', { id: 'a', source: { type: 'file', path: '/with,comma' } }],
    ],
    [
      ['', 'needs id='],
      ['id=,src=x', 'needs id='],
      ['id=a,src=', 'the file of a secret has no name'],
      ['id=a,src=x,env=y', 'names a file and a variable'],
      ['id=a,type=env,type=file,env=y', 'names a file and a variable'],
      ['id=a,type=vault', 'is neither file nor env'],
      ['id=a,mode=0400', '"mode" is not known for a secret'],
    ],
  )
})

describe('--ssh', () => {
  grammar(
    parseSsh,
    [
      ['default', { id: 'default', paths: [] }],
      ['a=/k1,/k2', { id: 'a', paths: ['/k1', '/k2'] }],
    ],
    [
      ['', 'has no name'],
      ['=x', 'has no name'],
      ['a=', 'has a path without a name'],
    ],
  )
})

describe('--sbom', () => {
  grammar(
    parseSbom,
    [
      ['true', { type: 'sbom', value: {} }],
      ['0', { type: 'sbom', value: 'off' }],
      ['img:1', { type: 'sbom', value: { scanner: 'img:1' } }],
      ['generator=img,A=b', { type: 'sbom', value: { scanner: 'img', args: { A: 'b' } } }],
      ['disabled=true', { type: 'sbom', value: 'off' }],
    ],
    [['generator=', 'names no image']],
  )
})

describe('--provenance', () => {
  grammar(
    parseProvenance,
    [
      ['true', { type: 'provenance', value: { mode: 'min' } }],
      ['false', { type: 'provenance', value: 'off' }],
      ['max', { type: 'provenance', value: { mode: 'max' } }],
      [
        'mode=max,reproducible=true,version=v0.2,builder-id=https://b,filename=p.json,inline-only=true',
        {
          type: 'provenance',
          value: {
            mode: 'max',
            reproducible: true,
            version: 'v0.2',
            builderId: 'https://b',
            fileName: 'p.json',
            inlineOnly: true,
          },
        },
      ],
    ],
    [
      ['mode=some', '"mode=some" is not known'],
      ['x', '"x" is not known'],
    ],
  )
})

describe('--attest', () => {
  grammar(
    parseAttestation,
    [
      ['type=sbom', { type: 'sbom', value: {} }],
      ['type=provenance,disabled=true', { type: 'provenance', value: 'off' }],
    ],
    [['generator=x', 'needs type=sbom or type=provenance']],
  )
})
