package onviftest

import (
	"slices"

	"github.com/beevik/etree"
)

// A phrase is a passphrase in the keystore.
type phrase struct{ id, alias, text string }

// A dot1x is a way of logging in to the switch.
type dot1x struct {
	id, alias string
	stages    []stage // outer, inner
}

type stage struct{ method, identity, path, phrase, policy string }

var errNoDot1X = sender("No such configuration", "ter:InvalidArgVal", "ter:Dot1XConfigurationID")

func (k *keystore) phraseAt(id string) int {
	return slices.IndexFunc(k.phrases, func(p phrase) bool { return p.id == id })
}

func (k *keystore) dot1xAt(id string) int {
	return slices.IndexFunc(k.dot1x, func(x dot1x) bool { return x.id == id })
}

// inDot1X tells whether a stage refers to something.
func (k *keystore) inDot1X(what func(stage) string, id string) bool {
	return slices.ContainsFunc(k.dot1x, func(x dot1x) bool {
		return slices.ContainsFunc(x.stages, func(s stage) bool { return what(s) == id })
	})
}

// dot1xOperations are about passphrases, and the switch that wants them.
func dot1xOperations() map[string]func(*Device, *request) (string, error) {
	return map[string]func(*Device, *request) (string, error){
		"GetAllPassphrases": keystoreOperation(func(_ *Device, k *keystore, _ *request) (string, error) {
			var list []string
			for _, p := range k.phrases {
				list = append(list, in("tas:PassphraseAttribute", el("tas:PassphraseID", p.id), el("tas:Alias", p.alias)))
			}
			return in("tas:GetAllPassphrasesResponse", list...), nil
		}),
		"UploadPassphrase": keystoreOperation(func(_ *Device, k *keystore, q *request) (string, error) {
			p := phrase{k.id("phrase"), text(q.el, "PassphraseAlias"), verbatim(q.el, "Passphrase")}
			switch {
			case p.text == "":
				return "", sender("Empty", "ter:InvalidArgVal", "ter:BadPassphrase")
			case len(k.phrases) >= 8:
				return "", full("ter:MaximumNumberOfPassphrasesReached")
			}
			k.phrases = append(k.phrases, p)
			return in("tas:UploadPassphraseResponse", el("tas:PassphraseID", p.id)), nil
		}),
		"DeletePassphrase": keystoreOperation(func(_ *Device, k *keystore, q *request) (string, error) {
			id := text(q.el, "PassphraseID")
			i := k.phraseAt(id)
			switch {
			case i < 0:
				return "", errNoPhrase
			case k.inDot1X(func(s stage) string { return s.phrase }, id):
				return "", &faultError{500, "Receiver", "Still referred to", []string{"ter:Action", "ter:PassphraseDeletionFailed"}}
			}
			k.phrases = slices.Delete(k.phrases, i, i+1)
			return done(q)
		}),
		"GetAllDot1XConfigurations": keystoreOperation(func(_ *Device, k *keystore, _ *request) (string, error) {
			var list []string
			for _, x := range k.dot1x {
				list = append(list, x.xml("tas:Configuration"))
			}
			return in("tas:GetAllDot1XConfigurationsResponse", list...), nil
		}),
		"GetDot1XConfiguration": keystoreOperation(func(_ *Device, k *keystore, q *request) (string, error) {
			i := k.dot1xAt(text(q.el, "Dot1XID"))
			if i < 0 {
				return "", errNoDot1X
			}
			return in("tas:GetDot1XConfigurationResponse", k.dot1x[i].xml("tas:Dot1XConfiguration")), nil
		}),
		"AddDot1XConfiguration": keystoreOperation(func(_ *Device, k *keystore, q *request) (string, error) {
			x := dot1x{alias: text(q.el, "Dot1XConfiguration/Alias")}
			for e := q.el.FindElement("./Dot1XConfiguration/Outer"); e != nil; e = e.SelectElement("Inner") {
				s, err := k.readStage(e)
				if err != nil {
					return "", err
				}
				x.stages = append(x.stages, s)
			}
			switch {
			case len(x.stages) == 0:
				return "", sender("No method", "ter:InvalidArgVal", "ter:Dot1XMethod")
			case len(x.stages) > 2:
				return "", sender("Too deep", "ter:InvalidArgVal", "ter:Dot1XMethodCombination")
			case len(k.dot1x) >= 2:
				return "", full("ter:MaximumNumberOfDot1XConfigurationsReached")
			}
			x.id = k.id("dot1x")
			k.dot1x = append(k.dot1x, x)
			return in("tas:AddDot1XConfigurationResponse", el("tas:Dot1XID", x.id)), nil
		}),
		"DeleteDot1XConfiguration": removal("Dot1XID", errNoDot1X, func(k *keystore) *[]dot1x { return &k.dot1x },
			(*keystore).dot1xAt, func(k *keystore, id string) bool { return id == k.used1x }),
		"GetNetworkInterfaceDot1XConfiguration": keystoreOperation(func(_ *Device, k *keystore, q *request) (string, error) {
			if err := ofInterface(q); err != nil {
				return "", err
			}
			if k.used1x == "" {
				return "<tas:GetNetworkInterfaceDot1XConfigurationResponse/>", nil
			}
			return in("tas:GetNetworkInterfaceDot1XConfigurationResponse", el("tas:Dot1XID", k.used1x)), nil
		}),
		"SetNetworkInterfaceDot1XConfiguration": keystoreOperation(func(_ *Device, k *keystore, q *request) (string, error) {
			id := text(q.el, "Dot1XID")
			if err := ofInterface(q); err != nil {
				return "", err
			}
			if k.dot1xAt(id) < 0 {
				return "", errNoDot1X
			}
			k.used1x = id
			return in("tas:SetNetworkInterfaceDot1XConfigurationResponse", el("tas:RebootNeeded", true)), nil
		}),
		"DeleteNetworkInterfaceDot1XConfiguration": keystoreOperation(func(_ *Device, k *keystore, q *request) (string, error) {
			if err := ofInterface(q); err != nil {
				return "", err
			}
			k.used1x = ""
			return in("tas:DeleteNetworkInterfaceDot1XConfigurationResponse", el("tas:RebootNeeded", true)), nil
		}),
	}
}

func ofInterface(q *request) error {
	if text(q.el, "token") != "eth0" {
		return sender("No such interface", "ter:InvalidArgVal", "ter:InvalidNetworkInterface")
	}
	return nil
}

func (k *keystore) readStage(e *etree.Element) (stage, error) {
	s := stage{
		e.SelectAttrValue("Method", ""), text(e, "Identity"), text(e, "CertificationPathID"), text(e, "PassphraseID"),
		e.SelectAttrValue("CertPathValidationPolicyID", ""),
	}
	switch {
	case s.method == "":
		return s, sender("No method", "ter:InvalidArgVal", "ter:Dot1XMethod")
	case s.path != "" && k.pathAt(s.path) < 0:
		return s, errNoPath
	case s.phrase != "" && k.phraseAt(s.phrase) < 0:
		return s, errNoPhrase
	case s.policy != "" && k.policyAt(s.policy) < 0:
		return s, errNoPolicy
	}
	return s, nil
}

func (x dot1x) xml(name string) string {
	list := []string{el("tas:Dot1XID", x.id)}
	if x.alias != "" {
		list = append(list, el("tas:Alias", x.alias))
	}
	return in(name, append(list, stagesXML("tas:Outer", x.stages))...)
}

// stagesXML writes stages, each in the one before it.
func stagesXML(name string, stages []stage) string {
	if len(stages) == 0 {
		return ""
	}
	s := stages[0]
	open := name + ` Method="` + esc(s.method) + `"`
	if s.policy != "" {
		open += ` CertPathValidationPolicyID="` + esc(s.policy) + `"`
	}
	var list []string
	for _, p := range [][2]string{{"Identity", s.identity}, {"CertificationPathID", s.path}, {"PassphraseID", s.phrase}} {
		if p[1] != "" {
			list = append(list, el("tas:"+p[0], p[1]))
		}
	}
	return in(open, append(list, stagesXML("tas:Inner", stages[1:]))...)
}
