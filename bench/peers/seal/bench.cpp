// Times of SEAL's primitives: one JSON line an operation, in microseconds of processor time.
//
//   bench PARAMETERS [SET...]
#include "../measure.hpp"

#include <cmath>
#include <cstdio>
#include <exception>
#include <seal/seal.h>
#include <seal/util/ntt.h>
#include <vector>

using namespace measure;

/// What HEXL computes with: it chooses by the same processor flags.
static const char *kernel() {
#ifdef HEXL
    if (__builtin_cpu_supports("avx512ifma")) {
        return "avx512-ifma";
    }
    return __builtin_cpu_supports("avx512dq") ? "avx512-dq" : "portable (no AVX-512)";
#else
    return "";
#endif
}

static void measure_set(const Set &set) {
    const Library library{LIBRARY, SEAL_VERSION, kernel()};
    seal::EncryptionParameters parameters(seal::scheme_type::ckks);
    parameters.set_poly_modulus_degree(set.degree);
    std::vector<int> bits(static_cast<std::size_t>(set.primes), set.prime_bits);
    bits.push_back(set.special_bits);
    parameters.set_coeff_modulus(seal::CoeffModulus::Create(set.degree, bits));
    const seal::SEALContext context(parameters);
    seal::KeyGenerator keygen(context);
    seal::PublicKey public_key;
    keygen.create_public_key(public_key);
    seal::RelinKeys relin_keys;
    keygen.create_relin_keys(relin_keys);
    seal::GaloisKeys galois_keys;
    keygen.create_galois_keys(std::vector<int>{1}, galois_keys);
    seal::Encryptor encryptor(context, public_key);
    seal::Decryptor decryptor(context, keygen.secret_key());
    const seal::Evaluator evaluator(context);
    seal::CKKSEncoder encoder(context);

    const double scale = std::ldexp(1.0, set.prime_bits);
    const std::vector<double> values = inputs(encoder.slot_count());
    seal::Plaintext plain;
    encoder.encode(values, scale, plain);
    seal::Ciphertext a, b, out, product, squared, relinearised, sum;
    encryptor.encrypt(plain, a);
    encryptor.encrypt(plain, b);

    evaluator.square(a, out);
    evaluator.relinearize_inplace(out, relin_keys);
    evaluator.rescale_to_next_inplace(out);
    evaluator.rotate_vector_inplace(out, 1, galois_keys);
    seal::Plaintext decrypted;
    decryptor.decrypt(out, decrypted);
    std::vector<double> got;
    encoder.decode(decrypted, got);
    verify(values, got);

    const std::vector<seal::Ciphertext> terms(hoisted, a);
    const auto time = [&](const char *operation, auto work, int share = 1) {
        report(library, set, operation, share, work);
    };
    time("encode", [&] { encoder.encode(values, scale, plain); });
    time("add", [&] { evaluator.add(a, b, out); });
    time("multiply plain", [&] { evaluator.multiply_plain(a, plain, out); });
    evaluator.multiply_plain(a, plain, sum);
    // SEAL has no fused form.
    const auto accumulate = [&] {
        for (const seal::Ciphertext &term : terms) {
            evaluator.multiply_plain(term, plain, out);
            evaluator.add_inplace(sum, out);
        }
    };
    time("multiply plain and accumulate", accumulate, hoisted);
    time("multiply", [&] { evaluator.multiply(a, b, product); });
    time("square", [&] { evaluator.square(a, squared); });
    time("multiply and relinearise", [&] {
        evaluator.multiply(a, b, product);
        evaluator.relinearize_inplace(product, relin_keys);
    });
    evaluator.multiply(a, b, product);
    time("relinearise", [&] { evaluator.relinearize(product, relin_keys, relinearised); });
    time("rescale", [&] { evaluator.rescale_to_next(relinearised, out); });
    // SEAL cannot hoist rotations.
    time("rotate", [&] { evaluator.rotate_vector(a, 1, galois_keys, out); });

    const auto &data = *context.first_context_data();
    const seal::util::NTTTables &tables = data.small_ntt_tables()[0];
    time("ntt forward", [&] { seal::util::ntt_negacyclic_harvey(a.data(), tables); });
    time("ntt inverse", [&] { seal::util::inverse_ntt_negacyclic_harvey(a.data(), tables); });
}

int main(int count, char **arguments) {
    try {
        for (const Set &set : read_sets(count, arguments)) {
            measure_set(set);
        }
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
