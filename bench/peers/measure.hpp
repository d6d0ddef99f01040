// Shared by the C++ programs: the parameter sets, the clock and the line an operation prints.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace measure {

constexpr int runs = 21;
constexpr int warm_ups = 2;
/// Rotations of one ciphertext that share its decomposition.
constexpr int hoisted = 16;
/// One run repeats a short operation until it takes this many microseconds.
constexpr double least_run = 20e3;

struct Set {
    std::string name;
    std::size_t degree;
    int primes, prime_bits, special_bits;
};

struct Library {
    const char *name;
    const char *version;
    /// Empty where the library has one.
    const char *kernel;
};

/// The sets of a parameter file, or those of them that are named.
inline std::vector<Set> read_sets(int count, char **arguments) {
    if (count < 2) {
        throw std::invalid_argument("usage: bench PARAMETERS [SET...]");
    }
    std::ifstream file(arguments[1]);
    std::vector<Set> sets;
    for (std::string line; std::getline(file, line);) {
        Set set;
        std::istringstream words(line);
        if (line.rfind('#', 0) == 0 ||
            !(words >> set.name >> set.degree >> set.primes >> set.prime_bits >> set.special_bits)) {
            continue;
        }
        if (count == 2 || std::find(arguments + 2, arguments + count, set.name) != arguments + count) {
            sets.push_back(set);
        }
    }
    return sets;
}

/// Microseconds of processor time of this process: what others do on the machine does not count.
inline double processor_time() {
    timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) * 1e-3;
}

/// Measures work of which one call does `share` units, and prints microseconds a unit.
template <typename Work>
void report(const Library &library, const Set &set, const char *operation, int share, Work work) {
    double start = processor_time();
    work();
    const int calls = static_cast<int>(std::max(1.0, least_run / std::max(1.0, processor_time() - start)));
    std::vector<double> times;
    for (int run = 0; run < warm_ups + runs; run++) {
        start = processor_time();
        for (int call = 0; call < calls; call++) {
            work();
        }
        if (run >= warm_ups) {
            times.push_back((processor_time() - start) / (static_cast<double>(calls) * share));
        }
    }
    std::sort(times.begin(), times.end());
    const std::string kernel =
        *library.kernel ? std::string("\"kernel\":\"") + library.kernel + "\"," : std::string();
    std::printf(
        "{\"library\":\"%s\",\"version\":\"%s\",%s\"set\":\"%s\",\"operation\":\"%s\","
        "\"median\":%.2f,\"min\":%.2f,\"runs\":%d}\n",
        library.name, library.version, kernel.c_str(), set.name.c_str(), operation, times[runs / 2], times[0], runs);
    std::fflush(stdout);
}

/// Refuses to time a library that computes something else: `got` must be rotate(x * x, 1).
inline void verify(const std::vector<double> &x, const std::vector<double> &got) {
    for (std::size_t i = 0; i < x.size(); i++) {
        const double want = x[(i + 1) % x.size()] * x[(i + 1) % x.size()];
        if (!(std::abs(got.at(i) - want) < 1e-3)) {
            throw std::runtime_error("slot " + std::to_string(i) + " is " + std::to_string(got[i]));
        }
    }
}

/// Numbers in [-1, 1), the same on every machine.
inline std::vector<double> inputs(std::size_t count) {
    std::vector<double> values(count);
    std::uint64_t state = 1;
    for (double &value : values) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        value = static_cast<double>(state >> 11) / static_cast<double>(std::uint64_t(1) << 52) - 1;
    }
    return values;
}

} // namespace measure
