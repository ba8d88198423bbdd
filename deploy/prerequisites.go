package deploy

// Prerequisite is one that an endpoint can show, under the id that package check gives it.
type Prerequisite struct {
	ID    string `json:"id"`
	Text  string `json:"text"`
	State string `json:"state" enum:"yes,no,unknown"`
	How   string `json:"how"` // what was seen, or what there is to do
}
