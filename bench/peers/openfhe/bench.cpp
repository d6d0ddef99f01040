// Times of OpenFHE's primitives: one JSON line an operation, in microseconds of processor time.
//
//   bench PARAMETERS [SET...]
//
// FIXEDMANUAL rescaling, hybrid key switching with as many digits as data primes. OpenFHE chooses the
// special prime itself, of 60 bits; so log QP is a little larger than the set says.
#include "../measure.hpp"

#include <cstdio>
#include <exception>
#include <openfhe.h>
#include <vector>

using namespace lbcrypto;

namespace {

void measure_set(const measure::Set &set) {
    const measure::Library library{"OpenFHE", "1.5.1", ""};
    CCParams<CryptoContextCKKSRNS> parameters;
    parameters.SetSecretKeyDist(UNIFORM_TERNARY);
    parameters.SetSecurityLevel(HEStd_NotSet);
    parameters.SetRingDim(static_cast<std::uint32_t>(set.degree));
    parameters.SetBatchSize(static_cast<std::uint32_t>(set.degree / 2));
    parameters.SetMultiplicativeDepth(static_cast<std::uint32_t>(set.primes - 1));
    parameters.SetScalingTechnique(FIXEDMANUAL);
    parameters.SetScalingModSize(static_cast<std::uint32_t>(set.prime_bits));
    parameters.SetFirstModSize(static_cast<std::uint32_t>(set.prime_bits));
    parameters.SetKeySwitchTechnique(HYBRID);
    parameters.SetNumLargeDigits(static_cast<std::uint32_t>(set.primes));
    const CryptoContext<DCRTPoly> context = GenCryptoContext(parameters);
    for (const auto feature : {PKE, KEYSWITCH, LEVELEDSHE}) {
        context->Enable(feature);
    }
    const auto keys = context->KeyGen();
    context->EvalMultKeyGen(keys.secretKey);
    std::vector<std::int32_t> rotations(measure::hoisted);
    for (int i = 0; i < measure::hoisted; i++) {
        rotations[static_cast<std::size_t>(i)] = i + 1;
    }
    context->EvalRotateKeyGen(keys.secretKey, rotations);

    const std::vector<double> values = measure::inputs(set.degree / 2);
    auto plain = context->MakeCKKSPackedPlaintext(values);
    const auto a = context->Encrypt(keys.publicKey, plain);
    const auto b = context->Encrypt(keys.publicKey, plain);

    Plaintext decrypted;
    context->Decrypt(keys.secretKey, context->EvalRotate(context->Rescale(context->EvalMult(a, a)), 1), &decrypted);
    decrypted->SetLength(values.size());
    measure::verify(values, decrypted->GetRealPackedValue());

    const auto time = [&](const char *operation, int share, auto work) {
        measure::report(library, set, operation, share, work);
    };
    time("encode", 1, [&] { plain = context->MakeCKKSPackedPlaintext(values); });
    time("add", 1, [&] { context->EvalAdd(a, b); });
    time("multiply plain", 1, [&] { context->EvalMult(a, plain); });
    auto sum = context->EvalMult(a, plain);
    std::vector<Ciphertext<DCRTPoly>> terms;
    for (int i = 0; i < measure::hoisted; i++) {
        terms.push_back(a->Clone());
    }
    time("multiply plain and accumulate", measure::hoisted, [&] {
        for (const auto &term : terms) {
            context->EvalAddInPlace(sum, context->EvalMult(term, plain));
        }
    });
    time("multiply", 1, [&] { context->EvalMultNoRelin(a, b); });
    time("multiply and relinearise", 1, [&] { context->EvalMult(a, b); });
    const auto unfinished = context->EvalMultNoRelin(a, b);
    time("relinearise", 1, [&] { context->Relinearize(unfinished); });
    const auto product = context->EvalMult(a, b);
    time("rescale", 1, [&] { context->Rescale(product); });
    time("rotate", 1, [&] { context->EvalRotate(a, 1); });
    time("rotate hoisted", measure::hoisted, [&] {
        const auto digits = context->EvalFastRotationPrecompute(a);
        for (const int by : rotations) {
            context->EvalFastRotation(a, static_cast<std::uint32_t>(by), digits);
        }
    });
    const NativePoly residue = a->GetElements()[0].GetElementAtIndex(0);
    NativeVector vector = residue.GetValues();
    const auto order = static_cast<std::uint32_t>(2 * set.degree);
    const NativeInteger root = residue.GetRootOfUnity();
    ChineseRemainderTransformFTT<NativeVector> transform;
    time("ntt forward", 1, [&] { transform.ForwardTransformToBitReverseInPlace(root, order, &vector); });
    time("ntt inverse", 1, [&] { transform.InverseTransformFromBitReverseInPlace(root, order, &vector); });

    context->ClearEvalMultKeys();
    context->ClearEvalAutomorphismKeys();
    CryptoContextFactory<DCRTPoly>::ReleaseAllContexts();
}

} // namespace

int main(int count, char **arguments) {
    try {
        for (const measure::Set &set : measure::read_sets(count, arguments)) {
            measure_set(set);
        }
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
