package sim

import (
	"math"
	"time"
)

// The E-model (ITU-T G.107): how a telephone call is felt by those who talk, from the delay and the loss of its packets. All parameters but
// these have the recommendation's default values (table 2 there); the codec is G.711 without loss concealment, whose Ie is 0 and whose Bpl
// is 4.3 (ITU-T G.113, appendix I).

// Parameters of G.107, table 2, in dB but for the last ones.
const (
	eSLR  = 8.0   // sending loudness rating
	eRLR  = 2.0   // receiving loudness rating
	eSTMR = 15.0  // sidetone masking rating
	eDs   = 3.0   // D-value at the sending side
	eDr   = 3.0   // D-value at the receiving side
	eTELR = 65.0  // talker echo loudness rating
	eWEPL = 110.0 // weighted echo path loss
	eNc   = -70.0 // circuit noise, dBm0p
	eNfor = -64.0 // noise floor at the receiving side, dBmp
	ePs   = 35.0  // room noise at the sending side, dB(A)
	ePr   = 35.0  // room noise at the receiving side, dB(A)
	eQDU  = 1.0   // quantizing distortion units
	eIe   = 0.0   // G.711
	eBpl  = 4.3   // G.711 without concealment, random loss
)

// Call is how good a call is.
type Call struct {
	// R is the transmission rating factor: R = Ro - Is - Id - Ie_eff + A, with A = 0.
	R float64
	// MOS is the mean opinion score that it stands for, from 1 to 4.5.
	MOS float64
}

// Rate rates a call whose one-way delay from mouth to ear, packetization and the receiver's buffer included, is d, and of whose packets the
// share lost is lost at random.
func Rate(d time.Duration, lost float64) Call {
	ms := d.Seconds() * 1000
	ro, no := eSignalToNoise()
	r := ro - eSimultaneous(ro, no) - eDelay(ro, no, ms) - eEquipment(lost)
	return Call{R: r, MOS: MOS(r)}
}

func log10(x float64) float64 { return math.Log10(x) }

// pow10 is the power of a level in dB.
func pow10(db float64) float64 { return math.Pow(10, db/10) }

// eSignalToNoise is the basic signal-to-noise ratio Ro (section 7.2), and the total noise No.
func eSignalToNoise() (ro, no float64) {
	olr := eSLR + eRLR
	nos := ePs - eSLR - eDs - 100 + 0.004*math.Pow(ePs-olr-eDs-14, 2)
	pre := ePr + 10*log10(1+pow10(10-(eSTMR+eDr)))
	nor := eRLR - 121 + pre + 0.008*math.Pow(pre-35, 2)
	no = 10 * log10(pow10(eNc)+pow10(nos)+pow10(nor)+pow10(eNfor+eRLR))
	return 15 - 1.5*(eSLR+no), no
}

// eSimultaneous is Is (section 7.3): too low a loudness, sidetone, quantizing.
func eSimultaneous(ro, no float64) float64 {
	xolr := eSLR + eRLR + 0.2*(64+no-eRLR)
	iolr := 20 * (math.Pow(1+math.Pow(xolr/8, 8), 1.0/8) - xolr/8)
	stmro := -10 * log10(pow10(-eSTMR)+pow10(-eTELR)) // at no delay
	ist := 12*math.Pow(1+math.Pow((stmro-13)/6, 8), 1.0/8) - 28*math.Pow(1+math.Pow((stmro+1)/19.4, 35), 1.0/35) -
		13*math.Pow(1+math.Pow((stmro-3)/33, 13), 1.0/13) + 29
	q := 37 - 15*log10(eQDU)
	g := 1.07 + 0.258*q + 0.0602*q*q
	iq := 15 * log10(1+math.Pow(10, (ro-100)/15+46/8.4-g/9)+math.Pow(10, 46.0/30-g/40))
	return iolr + ist + iq
}

// eDelay is Id (section 7.4): echo to the talker, echo to the listener, and delay too long to talk well.
func eDelay(ro, no, ms float64) float64 {
	terv := eTELR - 40*log10((1+ms/10)/(1+ms/150)) + 6*math.Exp(-0.3*ms*ms)
	half := (-1.5*(no-eRLR) - (80 + 2.5*(terv-14))) / 2 // (Roe - Re) / 2
	idte := (half + math.Sqrt(half*half+100) - 1) * (1 - math.Exp(-ms))
	half = (ro - 10.5*(eWEPL+7)*math.Pow(2*ms+1, -0.25)) / 2 // (Ro - Rle) / 2
	idle := half + math.Sqrt(half*half+169)
	idd := 0.0
	if ms > 100 {
		x := math.Log2(ms / 100)
		idd = 25 * (math.Pow(1+math.Pow(x, 6), 1.0/6) - 3*math.Pow(1+math.Pow(x/3, 6), 1.0/6) + 2)
	}
	return idte + idle + idd
}

// eEquipment is Ie_eff (section 7.5) at random loss (BurstR = 1).
func eEquipment(lost float64) float64 {
	percent := 100 * lost
	return eIe + (95-eIe)*percent/(percent+eBpl)
}

// MOS is the mean opinion score of a rating (annex B).
func MOS(r float64) float64 {
	switch {
	case r <= 0:
		return 1
	case r >= 100:
		return 4.5
	}
	return max(1, 1+0.035*r+r*(r-60)*(100-r)*7e-6)
}

// Packetization is the time that a call's sender takes to fill a packet; the receiver's buffer is taken as twice the jitter that was
// measured, and at least one packet.
const packetization = voiceEvery

// Call rates what a voice flow measured.
func (m *Measured) Call() Call {
	return Rate(m.Median+packetization+max(voiceEvery, 2*m.Jitter), max(0, m.Lost))
}
