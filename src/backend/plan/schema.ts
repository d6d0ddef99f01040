/**
 * plan.proto as a descriptor, so that nothing reads the .proto file at run time.
 *
 * A test keeps both equal.
 */
export const planSchema = {
  nested: {
    cipherloom: {
      nested: {
        plan: {
          nested: {
            Plan: {
              fields: {
                producer: { type: 'string', id: 1 },
                name: { type: 'string', id: 2 },
                features: { rule: 'repeated', type: 'string', id: 3 },
                modelDigest: { type: 'bytes', id: 4, protoName: 'model_digest' },
                modulus: { type: 'Modulus', id: 5 },
                security: { type: 'Security', id: 6 },
                layouts: { rule: 'repeated', type: 'Layout', id: 7 },
                blobs: { rule: 'repeated', type: 'Blob', id: 8 },
                constants: { rule: 'repeated', type: 'Constant', id: 9 },
                operations: { rule: 'repeated', type: 'Operation', id: 10 },
                outputs: { rule: 'repeated', type: 'Output', id: 11 },
                keys: { type: 'Keys', id: 12 },
                budgets: { type: 'Budgets', id: 13 },
                publicPart: { type: 'PublicPart', id: 14, protoName: 'public_part' },
              },
            },
            Modulus: {
              fields: {
                ringDegree: { type: 'uint32', id: 1, protoName: 'ring_degree' },
                primes: { rule: 'repeated', type: 'uint64', id: 2 },
                specialPrimes: {
                  rule: 'repeated',
                  type: 'uint64',
                  id: 3,
                  protoName: 'special_primes',
                },
              },
            },
            Security: {
              fields: { target: { type: 'uint32', id: 1 }, insecure: { type: 'bool', id: 2 } },
            },
            Layout: {
              oneofs: { _unusedBound: { oneof: ['unusedBound'] } },
              fields: {
                shape: { rule: 'repeated', type: 'uint32', id: 1 },
                slots: { type: 'uint32', id: 2 },
                ciphertexts: { type: 'uint32', id: 3 },
                origin: { rule: 'repeated', type: 'sint32', id: 4 },
                digits: { rule: 'repeated', type: 'Digit', id: 5 },
                unusedBound: {
                  type: 'double',
                  id: 6,
                  protoName: 'unused_bound',
                  options: { proto3_optional: true },
                },
              },
            },
            Digit: {
              oneofs: { of: { oneof: ['axis', 'batch', 'copy'] } },
              fields: {
                axis: { type: 'uint32', id: 1 },
                batch: { type: 'bool', id: 2 },
                copy: { type: 'bool', id: 3 },
                size: { type: 'uint32', id: 4 },
                step: { type: 'uint32', id: 5 },
                inCiphertext: { type: 'bool', id: 6, protoName: 'in_ciphertext' },
                stride: { type: 'uint32', id: 7 },
              },
            },
            Encoding: { values: { FLOAT32: 0, FLOAT64: 1, VARINT: 2 } },
            Blob: {
              fields: {
                encoding: { type: 'Encoding', id: 1 },
                bytes: { type: 'uint64', id: 2 },
                count: { type: 'uint64', id: 3 },
              },
            },
            Constant: {
              fields: {
                name: { type: 'string', id: 1 },
                shape: { rule: 'repeated', type: 'uint32', id: 2 },
                blob: { type: 'uint32', id: 3 },
              },
            },
            Operation: {
              oneofs: { _location: { oneof: ['location'] } },
              fields: {
                code: { type: 'uint32', id: 1 },
                operands: { rule: 'repeated', type: 'uint32', id: 2 },
                attributes: { type: 'Record', id: 3 },
                type: { type: 'Type', id: 4 },
                location: { type: 'string', id: 5, options: { proto3_optional: true } },
                lastUse: { type: 'uint32', id: 6, protoName: 'last_use' },
              },
            },
            PublicPart: {
              fields: {
                constants: { rule: 'repeated', type: 'Constant', id: 1 },
                operations: { rule: 'repeated', type: 'PublicOperation', id: 2 },
                outputs: { rule: 'repeated', type: 'Output', id: 3 },
              },
            },
            PublicOperation: {
              oneofs: { _location: { oneof: ['location'] } },
              fields: {
                code: { type: 'uint32', id: 1 },
                operands: { rule: 'repeated', type: 'uint32', id: 2 },
                attributes: { type: 'Record', id: 3 },
                location: { type: 'string', id: 4, options: { proto3_optional: true } },
              },
            },
            Type: {
              oneofs: { _range: { oneof: ['range'] } },
              fields: {
                layout: { type: 'uint32', id: 1 },
                size: { type: 'uint32', id: 2 },
                level: { type: 'uint32', id: 3 },
                scale: { type: 'string', id: 4 },
                range: { type: 'Range', id: 5, options: { proto3_optional: true } },
              },
            },
            Range: {
              fields: {
                lo: { type: 'double', id: 1 },
                hi: { type: 'double', id: 2 },
                source: { type: 'Source', id: 3 },
              },
              nested: { Source: { values: { DECLARED: 0, PROVED: 1, CALIBRATED: 2 } } },
            },
            Attribute: {
              oneofs: {
                kind: {
                  oneof: [
                    'null',
                    'boolean',
                    'number',
                    'text',
                    'constant',
                    'layout',
                    'list',
                    'record',
                  ],
                },
              },
              fields: {
                null: { type: 'bool', id: 1 },
                boolean: { type: 'bool', id: 2 },
                number: { type: 'double', id: 3 },
                text: { type: 'string', id: 4 },
                constant: { type: 'uint32', id: 5 },
                layout: { type: 'uint32', id: 6 },
                list: { type: 'List', id: 7 },
                record: { type: 'Record', id: 8 },
              },
            },
            List: { fields: { items: { rule: 'repeated', type: 'Attribute', id: 1 } } },
            Record: { fields: { fields: { rule: 'repeated', type: 'Field', id: 1 } } },
            Field: {
              fields: { name: { type: 'string', id: 1 }, value: { type: 'Attribute', id: 2 } },
            },
            Output: {
              fields: {
                name: { type: 'string', id: 1 },
                value: { type: 'uint32', id: 2 },
                postprocess: { rule: 'repeated', type: 'Record', id: 3 },
              },
            },
            Keys: {
              fields: {
                relinearisationPrimes: {
                  type: 'uint32',
                  id: 1,
                  protoName: 'relinearisation_primes',
                },
                rotations: { rule: 'repeated', type: 'RotationKey', id: 2 },
              },
            },
            RotationKey: {
              fields: { step: { type: 'sint32', id: 1 }, primes: { type: 'uint32', id: 2 } },
            },
            Budgets: {
              oneofs: { _rangeEscape: { oneof: ['rangeEscape'] } },
              fields: {
                precisionBits: { type: 'double', id: 1, protoName: 'precision_bits' },
                peakCiphertextBytes: { type: 'double', id: 2, protoName: 'peak_ciphertext_bytes' },
                rangeEscape: {
                  type: 'double',
                  id: 3,
                  protoName: 'range_escape',
                  options: { proto3_optional: true },
                },
              },
            },
          },
        },
      },
    },
  },
};
