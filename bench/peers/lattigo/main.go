// Times of Lattigo's primitives: one JSON line an operation, in microseconds of processor time.
//
//	lattigo-bench PARAMETERS [SET…]
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"math/rand"
	"os"
	"slices"
	"sort"
	"strings"
	"syscall"
	"unsafe"

	"github.com/tuneinsight/lattigo/v6/core/rlwe"
	"github.com/tuneinsight/lattigo/v6/schemes/ckks"
)

const (
	version  = "6.2.0"
	runs     = 21
	warmUps  = 2
	hoisted  = 16
	leastRun = 20e3 // microseconds: one run repeats a short operation until it takes this long
)

type set struct {
	name                                   string
	degree, primes, primeBits, specialBits int
}

type line struct {
	Library   string  `json:"library"`
	Version   string  `json:"version"`
	Set       string  `json:"set"`
	Operation string  `json:"operation"`
	Median    float64 `json:"median"`
	Min       float64 `json:"min"`
	Runs      int     `json:"runs"`
}

// processorMicroseconds is the processor time of the whole process: the collector's work counts.
func processorMicroseconds() float64 {
	const processCPU = 2
	var t syscall.Timespec
	if _, _, errno := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, processCPU, uintptr(unsafe.Pointer(&t)), 0); errno != 0 {
		panic(errno)
	}
	return float64(t.Sec)*1e6 + float64(t.Nsec)*1e-3
}

func rounded(microseconds float64) float64 { return math.Round(microseconds*100) / 100 }

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// report measures an operation of which one call does `share` units of work.
func report(s set, operation string, share int, work func() error) {
	start := processorMicroseconds()
	check(work())
	calls := int(math.Max(1, leastRun/math.Max(1, processorMicroseconds()-start)))
	times := make([]float64, 0, runs)
	for run := range warmUps + runs {
		start := processorMicroseconds()
		for range calls {
			check(work())
		}
		if run >= warmUps {
			times = append(times, (processorMicroseconds()-start)/float64(calls*share))
		}
	}
	sort.Float64s(times)
	text, err := json.Marshal(line{"Lattigo", version, s.name, operation, rounded(times[runs/2]), rounded(times[0]), runs})
	check(err)
	fmt.Println(string(text))
}

func readSets(path string, chosen []string) []set {
	file, err := os.Open(path)
	check(err)
	defer file.Close()
	var sets []set
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var s set
		text := lines.Text()
		if strings.HasPrefix(text, "#") {
			continue
		}
		_, err := fmt.Sscan(text, &s.name, &s.degree, &s.primes, &s.primeBits, &s.specialBits)
		check(err)
		if len(chosen) == 0 || slices.Contains(chosen, s.name) {
			sets = append(sets, s)
		}
	}
	return sets
}

func measure(s set) {
	logN := int(math.Log2(float64(s.degree)))
	params, err := ckks.NewParametersFromLiteral(ckks.ParametersLiteral{
		LogN:            logN,
		LogQ:            slices.Repeat([]int{s.primeBits}, s.primes),
		LogP:            []int{s.specialBits},
		LogDefaultScale: s.primeBits,
	})
	check(err)
	kgen := rlwe.NewKeyGenerator(params)
	sk, pk := kgen.GenKeyPairNew()
	rotations := make([]int, hoisted)
	for i := range rotations {
		rotations[i] = i + 1
	}
	keys := kgen.GenGaloisKeysNew(params.GaloisElements(rotations), sk)
	eval := ckks.NewEvaluator(params, rlwe.NewMemEvaluationKeySet(kgen.GenRelinearizationKeyNew(sk), keys...))
	encoder := ckks.NewEncoder(params)
	encryptor := rlwe.NewEncryptor(params, pk)
	decryptor := rlwe.NewDecryptor(params, sk)

	values := make([]float64, params.MaxSlots())
	for i := range values {
		values[i] = 2*rand.Float64() - 1
	}
	level := params.MaxLevel()
	plain := ckks.NewPlaintext(params, level)
	check(encoder.Encode(values, plain))
	a, err := encryptor.EncryptNew(plain)
	check(err)
	b, err := encryptor.EncryptNew(plain)
	check(err)
	out := ckks.NewCiphertext(params, 1, level)
	product := ckks.NewCiphertext(params, 2, level)
	rescaled := ckks.NewCiphertext(params, 1, level-1)
	rotated := make(map[int]*rlwe.Ciphertext, hoisted)
	for _, by := range rotations {
		rotated[by] = ckks.NewCiphertext(params, 1, level)
	}
	verify(params, eval, encoder, decryptor, a, values)

	report(s, "encode", 1, func() error { return encoder.Encode(values, plain) })
	report(s, "add", 1, func() error { return eval.Add(a, b, out) })
	report(s, "multiply plain", 1, func() error { return eval.Mul(a, plain, out) })
	sum, err := eval.MulNew(a, plain)
	check(err)
	terms := make([]*rlwe.Ciphertext, hoisted)
	for i := range terms {
		terms[i] = a.CopyNew()
	}
	report(s, "multiply plain and accumulate", hoisted, func() error {
		for _, term := range terms {
			if err := eval.MulThenAdd(term, plain, sum); err != nil {
				return err
			}
		}
		return nil
	})
	report(s, "multiply", 1, func() error { return eval.Mul(a, b, product) })
	report(s, "square", 1, func() error { return eval.Mul(a, a, product) })
	report(s, "multiply and relinearise", 1, func() error { return eval.MulRelin(a, b, out) })
	check(eval.Mul(a, b, product))
	report(s, "relinearise", 1, func() error { return eval.Relinearize(product, out) })
	check(eval.MulRelin(a, b, out))
	report(s, "rescale", 1, func() error { return eval.Rescale(out, rescaled) })
	report(s, "rotate", 1, func() error { return eval.Rotate(a, 1, rotated[1]) })
	report(s, "rotate hoisted", hoisted, func() error { return eval.RotateHoisted(a, rotations, rotated) })
	transform, residue := params.RingQ().SubRings[0], a.Value[0].Coeffs[0]
	target := make([]uint64, len(residue))
	report(s, "ntt forward", 1, func() error { transform.NTT(residue, target); return nil })
	report(s, "ntt inverse", 1, func() error { transform.INTT(residue, target); return nil })
}

// verify refuses to time a library that computes something else: rotate(rescale(x·x), 1).
func verify(params ckks.Parameters, eval *ckks.Evaluator, encoder *ckks.Encoder, decryptor *rlwe.Decryptor, x *rlwe.Ciphertext, values []float64) {
	y, err := eval.MulRelinNew(x, x)
	check(err)
	check(eval.Rescale(y, y))
	y, err = eval.RotateNew(y, 1)
	check(err)
	got := make([]float64, len(values))
	check(encoder.Decode(decryptor.DecryptNew(y), got))
	for i, value := range got {
		want := values[(i+1)%len(values)]
		if difference := math.Abs(value - want*want); difference > 1e-3 {
			check(fmt.Errorf("slot %d is off by %g", i, difference))
		}
	}
}

func main() {
	if len(os.Args) < 2 {
		check(fmt.Errorf("usage: lattigo-bench PARAMETERS [SET…]"))
	}
	for _, s := range readSets(os.Args[1], os.Args[2:]) {
		measure(s)
	}
}
