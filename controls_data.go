package camsec

// dataControls are the DAT family: what happens to what the device holds.
func dataControls() []*control {
	return []*control{
		{
			id: "DAT-02", title: "What the device records to is encrypted", severity: Low, level: 3, risk: "high",
			why:    "A card or disk that is taken out shows its recordings to whoever took it.",
			remedy: "Encrypt the medium after its recordings were saved, since that formats it; keep the key with the passwords.",
			refs:   "NIST SP 800-53 SC-28; IEC 62443-4-2 CR 4.1; ETSI EN 303 645 5.4-1; CRA Annex I Part I (2)(e); ANSSI R76; CIS v8 3.11",
			judge:  allAre(StateOn, labelled{"storage.encrypted", "encryption of the storage"}),
		},
	}
}
